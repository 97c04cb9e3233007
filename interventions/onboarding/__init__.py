"""Progressive onboarding: the stages of a newcomer as a declared state machine."""
