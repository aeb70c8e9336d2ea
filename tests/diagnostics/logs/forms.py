"""A small log in each form that trainers print, with numbers of our own, and what must be read from it."""

import json
from typing import NamedTuple

RECORDS = [
    {"loss": 0.69, "rewards/margins": 0.01, "epoch": 0.5, "step": 10},
    {"loss": 0.61, "rewards/margins": 0.3, "epoch": 1.0, "step": 20},
]


class Sample(NamedTuple):
    """A text, the name of its form, and the values of some canonical names."""

    text: str
    form: str
    values: dict[str, list[float]]


PAIR = {"loss": [0.69, 0.61], "margin": [0.01, 0.3], "epoch": [0.5, 1.0]}
SAMPLES = {
    "dicts": Sample("\n".join(map(str, RECORDS)), "printed dictionaries", PAIR),
    "dicts in comments": Sample("\n".join(f"# {record}" for record in RECORDS), "printed dictionaries", PAIR),
    "dicts with times": Sample(
        "\n".join(f"2026-01-02 03:04:0{n} INFO {record}" for n, record in enumerate(RECORDS)),
        "printed dictionaries",
        PAIR,
    ),
    "dicts of text": Sample(
        "{'loss': '0.69', 'grad_norm': 'nan', 'epoch': '0.5'}\n{'loss': tensor(0.61), 'epoch': np.float64(1.0)}\n",
        "printed dictionaries",
        {"loss": [0.69, 0.61], "epoch": [0.5, 1.0]},
    ),
    "dicts broken by the terminal": Sample(
        "{'loss': 0.6\n9, 'rewards/margins': 0.0\n1, 'epoch': \n0.5}\n{'lo\nss': 0.61, "
        "'rewards/margins': 0.3, 'epo\nch': 1.0}",
        "printed dictionaries",
        PAIR,
    ),
    "dicts between bars": Sample(
        " 10%|#   | 10/100 [00:10<01:30, 1.00s/it]\r{'loss': 0.69, 'grad_norm': 1.5}\n"
        "100%|####| 7/7 [00:01<00:00, 7.0it/s]\n"
        " 20%|##  | 20/100 [00:20<01:20, 1.00s/it]\r{'loss': 0.61, 'grad_norm': 1.4}\n",
        "printed dictionaries",
        {"loss": [0.69, 0.61], "step": [10, 20], "total_steps": [100, 100]},
    ),
    "dicts of ranks": Sample(
        "\n".join(
            f"[rank{rank}]: {{'loss': {0.69 + rank - n / 10:.2f}, 'step': {n}}}" for n in range(2) for rank in range(3)
        ),
        "printed dictionaries",
        {"loss": [0.69, 0.59], "step": [0, 1]},
    ),
    "evaluation before a dict": Sample(
        "epoch 0: {'loss': 0.69}\nevaluation: {'accuracy': 0.7}\nepoch 1: {'loss': 0.61}\nevaluation: "
        "{'accuracy': 0.8}\n",
        "printed dictionaries",
        {"loss": [0.69, 0.61], "epoch": [0, 1], "eval_accuracy": [0.7, 0.8]},
    ),
    "dicts without the first brace": Sample(
        "'rewards/mar\ngins': 0.01, 'loss': 0.69, 'epoch': 0.5}\n12:00 INFO {'loss': 0.61, 'rewards/margins': 0.3, "
        "'epoch': 1.0\n12:01 INFO {'eval_loss': 0.6",
        "printed dictionaries",
        PAIR | {"eval_loss": [0.6]},
    ),
    "dicts in a table": Sample(
        "| step | log |\n|---|---|\n| 10 | {'loss': 0.69} |\n| 20 | {'loss': 0.61} |\n",
        "printed dictionaries",
        {"step": [10, 20], "loss": [0.69, 0.61]},
    ),
    "JSON beside bars": Sample(
        "|\n{ |\n" + " |\n".join(json.dumps({"log_history": RECORDS}, indent=1)[2:].splitlines()) + " |\n|\n",
        "JSON",
        PAIR,
    ),
    "the first DPO program": Sample(
        "train stats after 64 examples: {'rewards_train/chosen': '0.01', 'rewards_train/accuracies': '0.5', "
        "'logps_train/chosen': '-99.5', 'loss/train': '0.69'}\neval after 64: {'rewards_eval/chosen': '0.02', "
        "'logps_eval/chosen': '-98.5', 'loss/eval': '0.7'}\n",
        "printed dictionaries",
        {
            "loss": [0.69],
            "reward_chosen": [0.01],
            "accuracy": [0.5],
            "logps_chosen": [-99.5],
            "eval_loss": [0.7],
            "eval_reward_chosen": [0.02],
            "eval_logps_chosen": [-98.5],
        },
    ),
    "ms-swift": Sample(
        "{'loss': 0.69, 'global_step/max_steps': '9/90', 'percentage': '10%'}\n"
        "{'loss': 0.61, 'global_step/max_steps': '18/90', 'percentage': '20%'}\n",
        "printed dictionaries",
        {"loss": [0.69, 0.61], "step": [9, 18], "total_steps": [90, 90], "progress": [0.1, 0.2]},
    ),
    "JSON lines": Sample("\n".join(map(json.dumps, RECORDS)), "JSON lines", PAIR),
    "JSON": Sample(json.dumps(RECORDS), "JSON", PAIR),
    "trainer state": Sample(json.dumps({"max_steps": 40, "log_history": RECORDS}, indent=1), "JSON", PAIR),
    "pasted trainer state": Sample(
        '"log_history": [\n' + "\n".join(json.dumps(record, indent=2) for record in RECORDS),
        "printed dictionaries",
        PAIR,
    ),
    "cut trainer state": Sample(
        json.dumps({"max_steps": 40, "log_history": RECORDS}, indent=1)[:-6],
        "printed dictionaries",
        PAIR,
    ),
    "LLaMA-Factory": Sample(
        '{"current_steps": 5, "total_steps": 90, "loss": 0.69, "accuracy": 0.5, "lr": 1e-06, '
        '"elapsed_time": "0:00:09"}\n'
        '{"current_steps": 10, "total_steps": 90, "loss": 0.61, "accuracy": 0.75, "lr": 2e-06, '
        '"elapsed_time": "0:00:19"}\n',
        "LLaMA-Factory's trainer_log.jsonl",
        {"step": [5, 10], "total_steps": [90, 90], "accuracy": [0.5, 0.75], "learning_rate": [1e-6, 2e-6]},
    ),
    "TRL's PPO": Sample(
        "{'eps': 3, 'objective/kl': 0.1, 'objective/entropy': 40.5, 'objective/scores': -1.5, "
        "'policy/approxkl_avg': 0.01,"
        " 'val/ratio': 1.02, 'val/clipfrac_avg': 0.1, 'loss/value_avg': 0.3, 'episode': 64, 'epoch': 0.5}\n",
        "printed dictionaries",
        {
            "kl": [0.1],
            "answer_entropy": [40.5],
            "score": [-1.5],
            "approx_kl": [0.01],
            "ratio": [1.02],
            "value_loss": [0.3],
        },
    ),
    "TRL's GRPO": Sample(
        "{'loss': 0.0, 'completions/mean_length': 99.5, 'completions/clipped_ratio': 0.25, 'rewards/correct/mean': 0.5,"
        " 'rewards/correct/std': 0.4, 'reward': 0.5, 'frac_reward_zero_std': 0.125, "
        "'clip_ratio/low_mean': 0.0, 'epoch': 1}",
        "printed dictionaries",
        {"score": [0.5], "part_correct": [0.5], "zero_spread": [0.125], "cut_off": [0.25], "response_length": [99.5]},
    ),
    "DeepSpeed-Chat's step 2": Sample(
        "***** Evaluating reward, Epoch 0/2 *****\n"
        "chosen_last_scores (higher is better) : 1.5, acc (higher is better) : 0.5125\n"
        "Beginning of Epoch 1/2, Total Micro Batches 99\nEpoch 1/2 with loss 0.65\n"
        "***** Evaluating reward, Epoch 1/2 *****\n"
        "chosen_last_scores (higher is better) : 2.5, acc (higher is better) : 0.6125\n",
        "DeepSpeed-Chat's lines",
        {"eval_accuracy": [0.5125, 0.6125], "eval_reward_chosen": [1.5, 2.5], "loss": [0.65], "epoch": [0, 1, 1]},
    ),
    "DeepSpeed-Chat's step 3": Sample(
        "epoch: 0|step: 0|ppo_ep: 1|act_loss: 0.25|cri_loss: 0.125|unsuper_loss: 0.0\naverage reward score: -0.5\n---\n"
        "|E2E latency=7.9s |Gather latency=0.00s (0.00%) |CurSamplesPerSec=8.0\n"
        "epoch: 0|step: 1|ppo_ep: 1|act_loss: 0.2|cri_loss: 0.1|unsuper_loss: 0.0\naverage reward score: 0.75\n",
        "DeepSpeed-Chat's lines",
        {"step": [0, 1], "policy_loss": [0.25, 0.2], "value_loss": [0.125, 0.1], "score": [-0.5, 0.75]},
    ),
    "OpenRLHF": Sample(
        "\rTrain epoch [1/2]:   0%|   | 1/40 [00:01<01:00,  1.2s/it, loss=0.69, acc=0.5, "
        "chosen_reward=0.1, reject_reward=0.2]"
        "\rTrain epoch [2/2]:   5%|#  | 2/40 [00:02<01:00,  1.2s/it, loss=0.61, acc=0.75, "
        "chosen_reward=0.3, reject_reward=-1]"
        "\rEval stage of steps 40: 10%|#  | 1/9 [00:01<00:01, 1.2it/s, eval_loss=0.65, acc_mean=0.625]",
        "progress bars",
        {
            **{"loss": [0.69, 0.61], "step": [1, 42], "total_steps": [80, 80], "accuracy": [0.5, 0.75]},
            **{"reward_rejected": [0.2, -1], "eval_loss": [0.65], "eval_accuracy": [0.625]},
        },
    ),
    "ColossalAI": Sample(
        "Train step of epoch 1:  50%|#  | 5/10 [1:02:51<00:15, 1.64it/s, dist=0.2, acc=0.55]"
        "\rTrain step of epoch 1:  60%|#  | 6/10 [1:02:51<00:15, 1.64it/s, dist=0.4, acc=0.65]\r",
        "progress bars",
        {"margin": [0.2, 0.4], "accuracy": [0.55, 0.65], "epoch": [1, 1], "step": [15, 16]},
    ),
    "Lightning": Sample(
        "Epoch 0: 100%|##| 10/10 [00:01<00:00,  5.31it/s, v_num=3, train_loss=0.69, val_loss=0.7]\n"
        "Epoch 1: 100%|##| 10/10 [00:01<00:00,  5.31it/s, v_num=3, train_loss=0.61, val_loss=0.68]\n",
        "progress bars",
        {"loss": [0.69, 0.61], "eval_loss": [0.7, 0.68], "epoch": [0, 1], "step": [10, 20]},
    ),
    "verl": Sample(
        "(TaskRunner pid=7) step:0 - val-core/openai/math/acc/mean@1:0.25\n"
        "(TaskRunner pid=7) step:1 - actor/entropy:0.5 - actor/kl_loss:np.float64(0.125) - critic/score/mean:0.375 - "
        "actor/grad_norm:nan - response_length/clip_ratio:0.0625\n(WorkerDict pid=9) memory: 3.5\n",
        "verl's console lines",
        {"step": [0, 1], "eval_score": [0.25], "score": [0.375], "kl": [0.125], "cut_off": [0.0625]},
    ),
    "mlx-lm": Sample(
        "Iter 1: Val loss 0.7, Val chosen reward 0.1, Val accuracy 0.5, Val took 1.9s\n"
        "Iter 1: Train loss 0.69, Chosen reward 0.0, Accuracy 0.5, Learning Rate 1e-05, It/sec 0.1, Peak mem 14.6 GB\n"
        "Iter 2: Train loss 0.61, Chosen reward 0.3, Accuracy 0.75, Learning Rate 1e-05, It/sec 0.1, "
        "Peak mem 15.9 GB\n",
        "mlx-lm's lines",
        {
            "step": [1, 2],
            "loss": [0.69, 0.61],
            "eval_loss": [0.7],
            "eval_reward_chosen": [0.1],
            "accuracy": [0.5, 0.75],
        },
    ),
    "PaddleNLP": Sample(
        "global step 10, epoch: 1, loss: 0.69, speed: 0.21 step/s\nEvaluation acc: 0.51000\n"
        "global step 20, epoch: 1, loss: 0.61, speed: 0.21 step/s\n",
        "PaddleNLP's lines",
        {"step": [10, 20], "loss": [0.69, 0.61], "eval_accuracy": [0.51]},
    ),
    "torchtune": Sample(
        "Step 1 | loss:0.69 lr:2e-06 rewards/chosen:0.1 log_probs/rejected:-99.5\nStep 2 | loss:0.61 "
        "lr:4e-06 rewards/chosen:0.2",
        "torchtune's lines",
        {"loss": [0.69, 0.61], "logps_rejected": [-99.5], "reward_chosen": [0.1, 0.2], "learning_rate": [2e-6, 4e-6]},
    ),
    "accelerate": Sample(
        "epoch 0: train_loss 0.69, eval_loss 0.7\nepoch 1: train_loss 0.61, eval_loss 0.68\n",
        "printed lines",
        {"epoch": [0, 1], "loss": [0.69, 0.61], "eval_loss": [0.7, 0.68]},
    ),
    "a model card": Sample(
        "This model was trained with DPO.\n\nIt achieves the following results on the evaluation set:\n- Loss: 0.65\n"
        "- Rewards/accuracies: 0.7\n\n### Training hyperparameters\n- learning_rate: 5e-07\n- num_epochs: 2\n\n"
        "| Training Loss | Epoch | Step | Validation Loss | Rewards/accuracies | Logps/chosen |\n"
        "|:--:|:--:|:--:|:--:|:--:|:--:|\n"
        "| No log | 1.0 | 10 | 0.68 | 0.6 | -20.5 |\n| 0.66 | 2.0 | 20 | 0.65 | 0.7 | -21.5 |\n",
        "a Markdown table",
        {"loss": [0.66], "eval_loss": [0.68, 0.65], "eval_accuracy": [0.6, 0.7], "eval_logps_chosen": [-20.5, -21.5]},
    ),
    "a card with results of its own": Sample(
        "It achieves the following results on the evaluation set:\n- Loss: 0.6\n- Accuracy: 0.75\n\n"
        "- learning_rate: 5e-07\n- num_epochs: 3\n\nTraining Loss | Epoch | Validation Loss | Accuracy\n"
        "---|---|---|---\n0.69 | 1.0 | 0.68 | 0.6\n0.66 | 2.0 | 0.65 | 0.7\n",
        "a Markdown table",
        {"epoch": [1, 2, 3], "loss": [0.69, 0.66], "eval_loss": [0.68, 0.65, 0.6], "eval_accuracy": [0.6, 0.7, 0.75]},
    ),
    "a card without a table": Sample(
        "It achieves the following results on the evaluation set:\n- Loss: 0.65\n- Rewards/margins: 0.7\n",
        "a text with a table or results",
        {"eval_loss": [0.65], "eval_margin": [0.7]},
    ),
    "a card copied from its page": Sample(
        "It achieves the following results on the evaluation set:\n\n  • Loss: 0.65\n  • Accuracy: 0.7\n\n"
        "Training hyperparameters\n\n  • learning_rate: 5e-07\n\nTraining results\n\n"
        "Training Loss Epoch Step Validation Loss Input Tokens Seen Logits/chosen Accuracy\n"
        "No log 1.0 10 0.68 99 -2.5 0.6\n0.66 2.0 20 0.65 198 −2.25 0.7\nFramework versions\n",
        "a text with a table or results",
        {"loss": [0.66], "step": [10, 20], "eval_loss": [0.68, 0.65], "eval_accuracy": [0.6, 0.7]},
    ),
    "a table below other lines": Sample(
        "Started on node 7.\n\nstep, loss, eval_loss, time\n1, 0.69, , 00:01:30\n2, 0.61, 0.64, 00:03:00\nDone.\n",
        "a text with a table or results",
        {"step": [1, 2], "loss": [0.69, 0.61], "eval_loss": [0.64]},
    ),
    "a rule below the header": Sample(
        "Epoch   Train Loss   Val Loss\n-----   ----------   --------\n1       0.69         0.7\n"
        "2       0.61         0.65\n",
        "a table",
        {"epoch": [1, 2], "loss": [0.69, 0.61], "eval_loss": [0.7, 0.65]},
    ),
    "a summary of parts": Sample(
        "| Metric | Train | Validation |\n|---|---|---|\n| Loss | 0.5 | 0.625 |\n| Accuracy | 0.75 | 70% |\n",
        "a table with a metric a row",
        {"loss": [0.5], "accuracy": [0.75], "eval_loss": [0.625], "eval_accuracy": [0.7]},
    ),
    "a box": Sample(
        "------------------------\n| train/     |         |\n|   approxkl | 0.01    |\n|   n_updates| 1       |\n"
        "------------------------\n------------------------\n| fps        | 99      |\n| approxkl   | 6.5e-16 |\n"
        "| n_updates  | 2       |\n------------------------\n",
        "a table with a metric a row",
        {"approx_kl": [0.01, 6.5e-16], "step": [1, 2]},
    ),
    "a drawn box": Sample(
        "┏━━━━━━━━━━━┳━━━━━━━┓\n┃ Metric    ┃ Value ┃\n┡━━━━━━━━━━━╇━━━━━━━┩\n│ test_acc  │ 0.7   │\n"
        "├───────────┼───────┤\n│ test_loss │ 0.55  │\n└───────────┴───────┘\n",
        "a table with a metric a row",
        {"eval_accuracy": [0.7], "eval_loss": [0.55]},
    ),
    "a summary": Sample(
        "| Parameter | Value |\n|---|---|\n| Base model | some/7B |\n| Epochs | 2 |\n"
        "| Training examples | 12,500 pairs |\n"
        "| Eval examples | 1,024 pairs |\n\n## Results\n| Metric | Value |\n|---|---|\n"
        "| **Eval accuracy** | **70.5%** |\n"
        "| Starting accuracy | 50% (coin) |\n| Final training accuracy | 72.5% (last 20 steps) |\n"
        "| Training loss | 0.69 -> 0.5 |\n",
        "a table with a metric a row",
        {"loss": [0.69, 0.5], "accuracy": [0.5, 0.725], "eval_accuracy": [0.705], "eval_n_pairs": [1024]},
    ),
    "HTML": Sample(
        "<div><table border='1' class='dataframe'>\n<thead><tr style='text-align: "
        "left;'><th>Step</th><th>Training Loss</th>"
        "<th>rewards / margins</th></tr></thead><tbody><tr><td>10</td><td>0.69</td><td>0.01</td></tr>"
        "<tr><td>20</td><td><b>0.61</b></td><td>0.3</td></tr></tbody></table><p></div>",
        "an HTML table",
        {"step": [10, 20], "loss": [0.69, 0.61], "margin": [0.01, 0.3]},
    ),
    "W&B's chart": Sample(
        '"Step","run-7 - train/loss","run-7 - train/loss__MIN","run-7 - train/loss__MAX"\n'
        '"10","0.69","0.6","0.7"\n"20","0.61","0.6","0.7"\n',
        "a chart exported from W&B",
        {"step": [10, 20], "loss": [0.69, 0.61]},
    ),
    "W&B's history": Sample(
        "_step,_runtime,train/loss,eval/loss,train/epoch\n1,3.5,0.69,,0.5\n2,4.5,,0.7,0.5\n3,5.5,0.61,,1.0\n",
        "a table",
        {"step": [1, 2, 3], "loss": [0.69, 0.61], "eval_loss": [0.7], "epoch": [0.5, 0.5, 1.0]},
    ),
    "TensorBoard's CSV": Sample(
        "Wall time,Step,Value\n1764032000.5,10,0.69\n1764032010.5,20,0.61\n",
        "a scalar exported from TensorBoard",
        {"step": [10, 20], "value": [0.69, 0.61]},
    ),
    "a comment above the header": Sample(
        "# by hand, 2026\nstep;loss;accuracy\n1;0,69;55\n2;0,61;65\n",
        "a table",
        {"loss": [0.69, 0.61], "accuracy": [0.55, 0.65]},
    ),
    "a spreadsheet": Sample(
        "step\tloss\tnote\r\n1\t0.69\tfirst\r\n2\t\tgap\r\n3\tnan\t4h 24min\r\n", "a table", {"step": [1, 2, 3]}
    ),
    "a table with drawn edges": Sample(
        "+------+------+----------+\n| step | loss | accuracy |\n+======+======+==========+\n"
        "| 10   | 0.69 | 0.55     |\n+------+------+----------+\n"
        "| 20   | 0.61 |          |\n+------+------+----------+\n",
        "a table",
        {"step": [10, 20], "loss": [0.69, 0.61], "accuracy": [0.55]},
    ),
    "a table in box characters": Sample(
        "┏━━━━━━┳━━━━━━┓\n┃ step ┃ loss ┃\n┡━━━━━━╇━━━━━━┩\n│ 10   │ 0.69 │\n│ 20   │ 0.61 │\n└──────┴──────┘\n",
        "a table",
        {"step": [10, 20], "loss": [0.69, 0.61]},
    ),
    "records within records": Sample(
        '{"epoch": 1, "train": {"loss": 0.69}, "eval": {"loss": 0.7}}\n'
        '{"epoch": 2, "train": {"loss": 0.61}, "eval": {"loss": 0.65}}\n',
        "JSON lines",
        {"epoch": [1, 2], "loss": [0.69, 0.61], "eval_loss": [0.7, 0.65]},
    ),
    "lists under names": Sample(
        json.dumps({"beta": 0.1, "step": [10, 20], "loss": [0.69, 0.61], "eval_loss": [0.7]}),
        "JSON",
        {"step": [10, 20], "loss": [0.69, 0.61], "eval_loss": [0.7]},
    ),
    "a history under another name": Sample(json.dumps({"history": RECORDS, "max_steps": 40}), "JSON", PAIR),
    "dicts of two parts on a line": Sample(
        "Epoch 1: train={'loss': 0.69} val={'loss': 0.7}\nEpoch 2: train={'loss': 0.61} val={'loss': 0.65}\n",
        "printed dictionaries",
        {"epoch": [1, 2], "loss": [0.69, 0.61], "eval_loss": [0.7, 0.65]},
    ),
    "a printed data frame": Sample(
        "   step  loss  eval_loss\n0    10  0.69       0.70\n1    20  0.61       0.65\n",
        "a table",
        {"step": [10, 20], "loss": [0.69, 0.61], "eval_loss": [0.7, 0.65]},
    ),
    "wide blanks": Sample(
        "Step  Training Loss  Validation Loss\n10  0.69  0.7\n20  0.61  0.65\n",
        "a table",
        {"step": [10, 20], "loss": [0.69, 0.61], "eval_loss": [0.7, 0.65]},
    ),
    "marks of a logger": Sample(
        "INFO:root:epoch=1 train/loss=0.69\nINFO:root:epoch=2 train/loss=0.61\n",
        "printed lines",
        {"epoch": [1, 2], "loss": [0.69, 0.61]},
    ),
    "colours": Sample(
        "\x1b[32mstep\x1b[0m 1 loss \x1b[1m0.69\x1b[0m\nstep 2 loss 0.61\x1b[K\n",
        "printed lines",
        {"step": [1, 2], "loss": [0.69, 0.61]},
    ),
}
