"""`combwise ros demo`: the whole virtual graph as processes, without the launch system. Needs rclpy."""
