"""The robot edge: arms, the safety supervisor's judgement, the virtual robot's controller, ROS interfaces.

arms/ plans joint motions for strokes, safety/ judges what is measured and hands the controller 200 ms at a
time, virtual/ stands in for a controller and an arm, interfaces/ holds the ROS messages. All of it is pure and
needs no ROS; importing this package imports nothing heavy.
"""
