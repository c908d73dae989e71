"""The ROS 2 edge: nodes, arms, the safety supervisor and the virtual robot will live here.

Nodes convert messages and call the pure core in planner and hairsim. Importing this package
needs no ROS installation yet.
"""
