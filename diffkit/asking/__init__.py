"""What is asked: functions and points as they are given, the tasks they become, the shape of answers."""
