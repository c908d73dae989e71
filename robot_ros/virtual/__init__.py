"""The virtual robot: what an arm, its controller and its cameras do, without any of them."""
