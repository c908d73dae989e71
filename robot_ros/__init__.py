"""The robot edge: arms, the safety supervisor's judgement, the virtual robot's controller, ROS interfaces.

arms/ plans joint motions for strokes, safety/ judges what is measured and hands the controller 200 ms at a
time, virtual/ stands in for a controller and an arm, calibrate/ finds where camera, comb and head are,
nodes/ are thin edges around it, demo/ and launch/ start them. The rest is pure
and needs no ROS; importing it imports nothing heavy.
"""
