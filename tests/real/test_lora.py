"""The trainer of notebook 08 on a network of transformers, with weights that are taken out again."""

import pytest
import torch

from rlhf_lessons.model.sequences import PairSet, pad
from rlhf_lessons.real import lora
from rlhf_lessons.real.model import RealModel
from rlhf_lessons.stages.direct import DPOSettings, pair_logprobs, train_dpo
from tests.integrations import tiny


def test_dpo_moves_the_weights_beside_the_model_and_leaves_the_model_alone():
    pytest.importorskip("peft", reason="make real")
    model = RealModel("tiny", tiny.language_model().requires_grad_(False), tiny.tokenizer(), "")
    before = {name: value.clone() for name, value in model.model.state_dict().items()}
    pairs = PairSet(*(pad([([5, 6], [word, 1])] * 4) for word in (3, 4)))
    with lora.adapted(model, seed=0) as policy:
        first = pair_logprobs(policy, pairs)
        assert torch.allclose(first[0], pair_logprobs(lora.Network(model.model), pairs)[0]), "it begins as the model is"
        settings = DPOSettings(learning_rate=1e-2, epochs=5, batch_size=4)
        train_dpo(policy, pairs, settings, reference=policy)
        chosen, rejected = pair_logprobs(policy, pairs)
        assert all("lora" in name for name, value in policy.named_parameters() if value.requires_grad)
    assert (chosen - rejected > first[0] - first[1]).all()
    after = model.model.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(after[name], value) for name, value in before.items())


def test_changes_are_means_and_both_fall_only_where_both_do():
    nats = {"pairs": {"chosen": [[-2.0, -4.0], [-3.0, -3.0]], "rejected": [[-2.0, -2.0], [-4.0, -6.0]]}}
    told = lora.changes({"nats": nats})["pairs"]
    assert told["chosen, before"] == told["chosen, after"] == -3 and told["rejected, after"] == -5
    assert told["both fell"] == 0.5
