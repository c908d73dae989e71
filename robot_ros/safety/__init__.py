"""The safety supervisor's judgement, as pure logic: measurements in, verdicts out."""
