"""Every topic, service, action and frame of the graph, said once; plain strings, no ROS needed.

All names are relative, so that a namespace moves the whole graph. Types and QoS (qos.py) are in brackets.
Frames follow REP 103 and 105; every pose that a stamp goes with is in ROS time.

                 cameras, head_pose               StyleHair                execute_stroke
    virtual robot ------------------> hair observer -----> styling planner ---------------> stroke executor
    or real arm                                                                                   |
      ^    |   joint_states, wrench, head_pose, e_stop, heartbeat/*                               |
      |    +------------------------------------------> safety supervisor <-----------------------+
      +------- joint_trajectory (200 ms at a time) -------------+     safety/follow_joint_trajectory
"""

from __future__ import annotations

# ---- frames ----

BASE = "base"
"""The arm's base: what arms/cell.py calls base. Child frame `HEAD` hangs on it.

Beside a real arm it is what the driver's tf tree calls the root of the URDF: parameter base_frame."""

HEAD = "head"
"""The head frame of all hair, strokes and volumes."""

COMB = "comb"
"""The comb's tip, see hairsim.tools; the wrench is given in its axes."""


def camera_frame(camera: str) -> str:
    """Return the optical frame of a camera (+x right, +y down, +z forward); its parent is `HEAD`."""
    return f"camera_{camera}_optical_frame"


# ---- what is measured ----

CLOCK = "/clock"
"""[rosgraph_msgs/Clock, CLOCK]; every node but the virtual robot sets use_sim_time in a virtual graph."""

JOINT_STATES = "joint_states"
"""[sensor_msgs/JointState, SENSOR] 250 Hz."""

WRENCH = "wrench"
"""[geometry_msgs/WrenchStamped, SENSOR] 250 Hz; force of hair and head on the comb [N, N m], `COMB` axes."""

DRIVER_WRENCH = "driver/wrench"
"""[geometry_msgs/WrenchStamped, SENSOR] a real sensor's own, flange axes; the arm bridge turns it."""

HEAD_POSE = "head_pose"
"""[geometry_msgs/PoseStamped, SENSOR] at least 5 Hz; the head in `BASE` (parameter base_frame), as a tracker
measures it; a pose in another frame is refused."""

REMEMBER_BOARD = "head_tracker/remember"
"""[std_srvs/srv/Trigger] served by the head tracker: the head stands where it was calibrated; learn from the
board as seen now how it is mounted."""

KEEP_LOOK, KEEP_TOUCH = "calibration/look", "calibration/touch"
"""[std_srvs/srv/Trigger] served by the calibration recorder: keep what the camera sees, or where the arm
stands."""

E_STOP = "e_stop"
"""[std_msgs/Bool, COMMAND] at least 10 Hz, true while pressed."""

CAMERAS = ("left", "right", "back")
"""The default rig, hairsim.cameras.camera.three_camera_rig."""


def colour_topic(camera: str) -> str:
    """Return the topic of a camera's colour [sensor_msgs/Image, SENSOR]: rgb8."""
    return f"camera/{camera}/color/image_raw"


def depth_topic(camera: str) -> str:
    """Return the topic of depth aligned to colour [sensor_msgs/Image, SENSOR], REP 118: 16UC1 mm or 32FC1 m.

    0 where nothing was measured. The virtual cameras publish 16UC1, as a RealSense does.
    """
    return f"camera/{camera}/aligned_depth_to_color/image_raw"


def mask_topic(camera: str) -> str:
    """Return the topic of the hair mask [sensor_msgs/Image, SENSOR]: mono8, 255 where hair is.

    The renderer's label; with real cameras a segmenter publishes it.
    """
    return f"camera/{camera}/hair_mask"


def camera_info_topic(camera: str) -> str:
    """Return the topic of a camera's intrinsics [sensor_msgs/CameraInfo, SENSOR], stamped as its images."""
    return f"camera/{camera}/color/camera_info"


TF = "/tf"
"""[tf2_msgs/TFMessage, TF] moving frames: `COMB` in `BASE`."""

TF_STATIC = "/tf_static"
"""[tf2_msgs/TFMessage, TF_STATIC] `HEAD` in `BASE`, and each camera's optical frame in `HEAD`."""

DIAGNOSTICS = "/diagnostics"
"""[diagnostic_msgs/DiagnosticArray, COMMAND] 1 Hz from every node."""


def heartbeat_topic(name: str) -> str:
    """Return the topic of a process' signs of life [std_msgs/Empty, BEAT]; names in safety/limits.py.

    100 Hz from what can move the arm (executor, controller), 5 Hz from the rest (planner, observer, goal,
    recorder), on the wall clock.
    """
    return f"heartbeat/{name}"


# ---- moving the arm: only through the supervisor ----

FOLLOW = "safety/follow_joint_trajectory"
"""[control_msgs/action/FollowJointTrajectory] served by the safety supervisor; executors use it.

`trajectory.header.stamp` is when the head was seen that the motion was planned for: its age is limited. Zero
means now. Motion starts at once.
"""

FOLLOW_STOPPED = -100
"""error_code of `FOLLOW`: the supervisor stopped the motion; error_string says why."""

FOLLOW_SNAGGED = -101
"""error_code of `FOLLOW`: it stopped for force and backed off along the way in."""

SAFETY_STATE = "safety/state"
"""[combwise_interfaces/SafetyState, STATE] 10 Hz and at every change."""

RESET_SAFETY = "safety/reset"
"""[combwise_interfaces/srv/ResetSafety] go on after a stop; refused while a reason is there."""

TARE = "safety/tare"
"""[std_srvs/srv/Trigger] take the force now as zero; only at rest and away from the head."""

CONTROLLER = "joint_trajectory_controller"
"""Usual namespace of the arm's controller; a parameter of the supervisor and of the virtual robot."""


def controller_topic(controller: str) -> str:
    """Return where the supervisor, alone, sends its pieces [trajectory_msgs/JointTrajectory, COMMAND]."""
    return f"{controller}/joint_trajectory"


def controller_action(controller: str) -> str:
    """Return the controller's own FollowJointTrajectory action; Combwise never calls it."""
    return f"{controller}/follow_joint_trajectory"


# ---- combing ----

EXECUTE_STROKE = "execute_stroke"
"""[combwise_interfaces/action/ExecuteStroke] served by the stroke executor."""

PLAN_STROKE = "plan_stroke"
"""[combwise_interfaces/srv/PlanStroke] served by the stroke executor: can the arm make it? Nothing moves."""

GO_READY = "go_ready"
"""[std_srvs/srv/Trigger] served by the stroke executor: the arm goes to its ready posture, out of the
hair first where a cancel or a stop left the comb in it. Answers when it is there, or why it is not."""

STYLE_HAIR = "style_hair"
"""[combwise_interfaces/action/StyleHair] served by the styling planner."""

LOAD_GOAL = "load_goal"
"""[combwise_interfaces/srv/LoadGoal] served by the goal server."""

LOOK = "hair/look"
"""[std_srvs/srv/Trigger] served by the hair observer: look at the next complete pictures taken from now on.

Answers at once: with what is missing, or that `HAIR_VOLUME` will come; its stamp is that of the pictures."""

HAIR_PICTURE = "hair/picture"
"""[sensor_msgs/CompressedImage, LATCHED] all cameras side by side at the last look, jpeg."""

HAIR_VOLUME = "hair/volume"
"""[combwise_interfaces/HairVolume, LATCHED] the hair as the observer sees it."""

HAIR_POINTS = "hair/points"
"""[sensor_msgs/PointCloud2, LATCHED] the same, for looking."""

GOAL_PICTURE = "goal/picture"
"""[sensor_msgs/CompressedImage, LATCHED] the wanted hair as its pictures show it, jpeg."""

GOAL_VOLUME = "goal/volume"
"""[combwise_interfaces/HairVolume, LATCHED] the wanted hair, from the goal server."""

PREDICTED_VOLUME = "planner/predicted_volume"
"""[combwise_interfaces/HairVolume, LATCHED] what the planner expects after its stroke."""

STROKE_PLAN = "planner/stroke_plan"
"""[combwise_interfaces/StrokePlan, LATCHED] what the planner decided on."""

MARKERS = "planner/markers"
"""[visualization_msgs/MarkerArray, LATCHED] stroke, predicted and goal hair for RViz."""

# ---- the virtual robot ----

FAULT = "virtual_robot/fault"
"""[std_msgs/Header, LATCHED] a fault began or ended: stamp in ROS time, frame_id its name, empty at the end.

Set by the parameter `fault` of the virtual robot; robot_ros/virtual/faults.py lists them.
"""

TRUE_STRANDS = "virtual_robot/strands"
"""[sensor_msgs/PointCloud2, LATCHED] the simulator's guide strands [S, V, 3], head frame, at every look.

The truth, for scores and for people; nothing that plans or observes listens to it."""

# ---- node names ----

VIRTUAL_ROBOT = "virtual_robot"
SAFETY_SUPERVISOR = "safety_supervisor"
STROKE_EXECUTOR = "stroke_executor"
HAIR_OBSERVER = "hair_observer"
GOAL_SERVER = "goal_server"
STYLING_PLANNER = "styling_planner"
EPISODE_RECORDER = "episode_recorder"
ARM_BRIDGE = "arm_bridge"
HEAD_TRACKER = "head_tracker"
CALIBRATION_RECORDER = "calibration_recorder"
