"""ROS 2 nodes: thin edges that turn messages into calls of the pure core. These modules need rclpy."""
