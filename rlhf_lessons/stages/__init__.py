"""The four stages of RLHF: pretraining, SFT, reward model, PPO. Trainers only: nothing here prints, saves or plots."""
