"""PromotionGate: decides whether the candidate may serve, and says why in words."""
