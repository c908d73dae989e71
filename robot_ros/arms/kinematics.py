"""Where the flange is: forward kinematics of an arm alone, without comb and head."""

from __future__ import annotations

import numpy as np
import pinocchio as pin

from hairsim.errors import CombwiseError
from robot_ros.arms.arm import Arm


class Flange:
    """Poses of an arm's flange by its joint angles."""

    def __init__(self, arm: Arm) -> None:
        """Read the URDF.

        Raises:
            CombwiseError: the URDF cannot be read, or lacks the flange or a joint.
        """
        try:
            model = pin.buildModelFromUrdf(str(arm.urdf))
        except (ValueError, RuntimeError) as error:
            raise CombwiseError(f"arm '{arm.name}': {arm.urdf} cannot be read: {error}") from error
        missing = [name for name in arm.joints if not model.existJointName(name)]
        if missing or not model.existFrame(arm.flange):
            raise CombwiseError(f"arm '{arm.name}': {arm.urdf} lacks {missing or arm.flange}")
        self._arm, self._model, self._data = arm, model, model.createData()
        self._frame = model.getFrameId(arm.flange)
        self._place = [model.joints[model.getJointId(name)].idx_q for name in arm.joints]
        self._rest = pin.neutral(model)

    def to_base(self, joints: np.ndarray) -> np.ndarray:
        """Return flange_to_base [4, 4] for joint angles [J] [rad].

        Raises:
            CombwiseError: another number of joints, or not finite.
        """
        joints = np.asarray(joints, np.float64)
        if joints.shape != (len(self._place),) or not np.isfinite(joints).all():
            raise CombwiseError(
                f"arm '{self._arm.name}': joint angles of shape {joints.shape}; expected "
                f"{len(self._place)} finite angles"
            )
        q = self._rest.copy()
        q[self._place] = joints
        pin.framesForwardKinematics(self._model, self._data, q)
        return np.array(self._data.oMf[self._frame].homogeneous)
