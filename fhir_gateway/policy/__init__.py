"""policy: who acts, and what they may touch. See the README."""
