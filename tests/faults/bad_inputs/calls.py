# ruff: noqa: E501
"""Bad arguments to the package's functions, as a notebook or an engineer might give them."""

from tests.faults.bad_inputs import Bad

ROWS = [
    Bad(
        "ensure('')",
        "ValueError",
        "stage: '' is not allowed; it must be one of pretrained, sft, reward, ppo, dpo, rloo, grpo, distilled",
    ),
    Bad(
        "ensure(None)",
        "ValueError",
        "stage: None is not allowed; it must be one of pretrained, sft, reward, ppo, dpo, rloo, grpo, distilled",
    ),
    Bad(
        "ensure(['sft'])",
        "ValueError",
        "stage: ['sft'] is not allowed; it must be one of pretrained, sft, reward, ppo, dpo, rloo, grpo, distilled",
    ),
    Bad(
        "ensure('sft', seed=-1)",
        "ValueError",
        "seed: -1 is not allowed; it must be a whole number from 0 to 2147483647",
    ),
    Bad(
        "ensure('sft', seed=1.5)",
        "ValueError",
        "seed: 1.5 is not allowed; it must be a whole number from 0 to 2147483647",
    ),
    Bad(
        "ensure('sft', seed='0')",
        "ValueError",
        "seed: '0' is not allowed; it must be a whole number from 0 to 2147483647",
    ),
    Bad(
        "ensure('sft', seed=True)",
        "ValueError",
        "seed: True is not allowed; it must be a whole number from 0 to 2147483647",
    ),
    Bad(
        "ensure('sft', seed=2**31)",
        "ValueError",
        "seed: 2147483648 is not allowed; it must be a whole number from 0 to 2147483647",
    ),
    Bad(
        "ensure('sft', seed=10**5000)",
        "ValueError",
        "seed: <int too long to print> is not allowed; it must be a whole number from 0 to 2147483647",
    ),
    Bad(
        "ensure('sft', seed=None)",
        "ValueError",
        "seed: None is not allowed; it must be a whole number from 0 to 2147483647",
    ),
    Bad(
        "ensure('pretrained', steps=0)",
        "ValueError",
        "steps: 0 is not allowed; it must be a whole number from 1 to 20000",
    ),
    Bad(
        "ensure('pretrained', steps=1e3)",
        "ValueError",
        "steps: 1000.0 is not allowed; it must be a whole number from 1 to 20000",
    ),
    Bad(
        "ensure('pretrained', steps=[1])",
        "ValueError",
        "steps: [1] is not allowed; it must be a whole number from 1 to 20000",
    ),
    Bad(
        "ensure('pretrained', learning_rate=math.nan)",
        "ValueError",
        "learning_rate: nan is not allowed; it must be a number from 1e-07 to 1",
    ),
    Bad(
        "ensure('pretrained', learning_rate=math.inf)",
        "ValueError",
        "learning_rate: inf is not allowed; it must be a number from 1e-07 to 1",
    ),
    Bad(
        "ensure('pretrained', learning_rate='1e-3')",
        "ValueError",
        "learning_rate: '1e-3' is not allowed; it must be a number from 1e-07 to 1",
    ),
    Bad(
        "ensure('pretrained', learning_rate=0)",
        "ValueError",
        "learning_rate: 0 is not allowed; it must be a number from 1e-07 to 1",
    ),
    Bad("ensure('pretrained', heads=5)", "ValueError", "width: 96 is not allowed; it must be a multiple of heads (5)"),
    Bad("ensure('pretrained', width=97)", "ValueError", "width: 97 is not allowed; it must be a multiple of heads (4)"),
    Bad(
        "ensure('pretrained', n_notes=0)",
        "ValueError",
        "n_notes: 0 is not allowed; it must be a whole number from 1 to 200000",
    ),
    Bad(
        "ensure('pretrained', careful_share=1.1)",
        "ValueError",
        "careful_share: 1.1 is not allowed; it must be a number from 0 to 1",
    ),
    Bad(
        "ensure('pretrained', flavour='mint')",
        "ValueError",
        "flavour: 'mint' has no place in PretrainedPlan; its fields are learning_rate, steps, batch_size, weight_decay, grad_clip, seed, n_notes, careful_share, popular_share, layers, heads, width",
    ),
    Bad(
        "ensure('pretrained', **{'learning rate': 1})",
        "ValueError",
        "learning rate: 1 has no place in PretrainedPlan; its fields are learning_rate, steps, batch_size, weight_decay, grad_clip, seed, n_notes, careful_share, popular_share, layers, heads, width",
    ),
    Bad(
        "ensure('reward', head_init='zeros')",
        "ValueError",
        "head_init: 'zeros' is not allowed; it must be one of normal, xavier, he",
    ),
    Bad("ensure('reward', noise=0.6)", "ValueError", "noise: 0.6 is not allowed; it must be a number from 0 to 0.5"),
    Bad(
        "ensure('reward', bound='clip')",
        "ValueError",
        "bound: 'clip' has no place in RewardPlan; its fields are learning_rate, epochs, batch_size, center_coef, weight_decay, grad_clip, seed, annotator_temperature, length_bias, n_pairs, sampled_share, noise, head_init, head_init_scale, reward_offset",
    ),
    Bad(
        "ensure('reward', reward_offset=-101)",
        "ValueError",
        "reward_offset: -101 is not allowed; it must be a number from -100 to 100",
    ),
    Bad("ensure('ppo', kl_coef=-0.1)", "ValueError", "kl_coef: -0.1 is not allowed; it must be a number from 0 to 10"),
    Bad("ensure('ppo', adaptive_kl=1)", "ValueError", "adaptive_kl: 1 is not allowed; it must be true or false"),
    Bad(
        "ensure('ppo', adaptive_kl='yes')", "ValueError", "adaptive_kl: 'yes' is not allowed; it must be true or false"
    ),
    Bad(
        "ensure('ppo', clip_range=0)", "ValueError", "clip_range: 0 is not allowed; it must be a number from 0.01 to 1"
    ),
    Bad(
        "ensure('ppo', temperature=-1)", "ValueError", "temperature: -1 is not allowed; it must be a number from 0 to 5"
    ),
    Bad(
        "ensure('sft', parents=1)",
        "ValueError",
        "parents: 1 is not allowed; it must be a dict of stage and what ensure gives",
    ),
    Bad(
        "ensure('sft', parents=['pretrained'])",
        "ValueError",
        "parents: ['pretrained'] is not allowed; it must be a dict of stage and what ensure gives",
    ),
    Bad("ensure('sft', on_step=3)", "ValueError", "on_step: 3 is not allowed; it must be a function of a record"),
    Bad(
        "store.save('../x', '1', {}, {})",
        "ValueError",
        "name: '../x' is not allowed; it must be one word of letters, digits, _ and .",
    ),
    Bad(
        "store.save('', '1', {}, {})",
        "ValueError",
        "name: '' is not allowed; it must be one word of letters, digits, _ and .",
    ),
    Bad(
        "store.save('sft', '../1', {}, {})",
        "ValueError",
        "fingerprint: '../1' is not allowed; it must be one word of letters, digits, _ and .",
    ),
    Bad(
        "store.save('sft', '', {}, {})",
        "ValueError",
        "fingerprint: '' is not allowed; it must be one word of letters, digits, _ and .",
    ),
    Bad(
        "store.save('/etc/x', '1', {}, {})",
        "ValueError",
        "name: '/etc/x' is not allowed; it must be one word of letters, digits, _ and .",
    ),
    Bad(
        "store.save('sft', '1', {}, {'a': {1, 2}})",
        "ValueError",
        "meta: {'a': {1, 2}} is not allowed; it must be what JSON can hold (Object of type set is not JSON serializable)",
    ),
    Bad(
        "store.save('sft', '1', {}, [1])",
        "ValueError",
        "meta: [1] is not allowed; it must be what JSON can hold (cannot convert dictionary update sequence element #0 to a sequence)",
    ),
    Bad("store.save('sft', '1', {'a': 1}, {})", "ValueError", "tensors: a=1 is not allowed; it must be a tensor"),
    Bad(
        "store.load('..', '1')",
        "ValueError",
        "name: '..' is not allowed; it must be one word of letters, digits, _ and .",
    ),
    Bad(
        "store.save_result('../../x', {})",
        "ValueError",
        "name: '../../x' is not allowed; it must be one word of letters, digits, _ and .",
    ),
    Bad(
        "store.save_result('a/b', {})",
        "ValueError",
        "name: 'a/b' is not allowed; it must be one word of letters, digits, _ and .",
    ),
    Bad(
        "store.save_result('x', {'a': torch.zeros(1)})",
        "ValueError",
        "meta: {'a': tensor([0.])} is not allowed; it must be what JSON can hold (Object of type Tensor is not JSON serializable)",
    ),
    Bad(
        "store.load_result('../x')",
        "ValueError",
        "name: '../x' is not allowed; it must be one word of letters, digits, _ and .",
    ),
    Bad(
        "store.lock('../x', '1').__enter__()",
        "ValueError",
        "name: '../x' is not allowed; it must be one word of letters, digits, _ and .",
    ),
    Bad(
        "pipeline.key_of('nosuch')",
        "ValueError",
        "stage: 'nosuch' is not allowed; it must be one of pretrained, sft, reward, ppo, dpo, rloo, grpo, distilled",
    ),
    Bad(
        "pipeline.key_of('sft', steps=0)",
        "ValueError",
        "steps: 0 is not allowed; it must be a whole number from 1 to 20000",
    ),
    Bad(
        "cases.case_of('')",
        "ValueError",
        "prompt: '' is not allowed; it must be that of a case, such as 'metformin with egfr 16 ?'",
    ),
    Bad(
        "cases.case_of(None)",
        "ValueError",
        "prompt: None is not allowed; it must be that of a case, such as 'metformin with egfr 16 ?'",
    ),
    Bad(
        "cases.case_of('metformin')",
        "ValueError",
        "prompt: 'metformin' is not allowed; it must be that of a case, such as 'metformin with egfr 16 ?'",
    ),
    Bad(
        "cases.case_of('metformin with egfr 28')",
        "ValueError",
        "prompt: 'metformin with egfr 28' is not allowed; it must be that of a case, such as 'metformin with egfr 16 ?'",
    ),
    Bad(
        "cases.cases_in('test')",
        "ValueError",
        "split: 'test' is not allowed; it must be one of train, near, tuning, held_out",
    ),
    Bad(
        "cases.cases_in(None)",
        "ValueError",
        "split: None is not allowed; it must be one of train, near, tuning, held_out",
    ),
    Bad("datasets.corpus(0)", "ValueError", "n_notes: 0 is not allowed; it must be a whole number from 1 to 200000"),
    Bad("datasets.corpus(-1)", "ValueError", "n_notes: -1 is not allowed; it must be a whole number from 1 to 200000"),
    Bad(
        "datasets.corpus(10, careful_share=2)",
        "ValueError",
        "careful_share: 2 is not allowed; it must be a number from 0 to 1",
    ),
    Bad(
        "datasets.corpus('ten')",
        "ValueError",
        "n_notes: 'ten' is not allowed; it must be a whole number from 1 to 200000",
    ),
    Bad(
        "datasets.demonstrations(0)",
        "ValueError",
        "n_demonstrations: 0 is not allowed; it must be a whole number from 1 to 20000",
    ),
    Bad(
        "datasets.demonstrations(10, split='far')",
        "ValueError",
        "split: 'far' is not allowed; it must be one of train, near, tuning, held_out",
    ),
    Bad(
        "datasets.written_pairs(0)",
        "ValueError",
        "n_pairs: 0 is not allowed; it must be a whole number from 1 to 50000",
    ),
    Bad(
        "datasets.written_pairs(10, 'x')",
        "ValueError",
        "split: 'x' is not allowed; it must be one of train, near, tuning, held_out",
    ),
    Bad(
        "datasets.prompts_in('x')",
        "ValueError",
        "split: 'x' is not allowed; it must be one of train, near, tuning, held_out",
    ),
    Bad(
        "datasets.encode_prompts(tokenizer.course_tokenizer(), ['hello world'])",
        "ValueError",
        "text: ['hello', 'world'] is not allowed; words must be among the vocabulary's 341, in lower case",
    ),
    Bad(
        "datasets.encode_prompts(tokenizer.course_tokenizer(), [])",
        "ValueError",
        "rows: 0 is not allowed; at least one text is needed",
    ),
    Bad(
        "datasets.encode_pairs(tokenizer.course_tokenizer(), [])",
        "ValueError",
        "rows: 0 is not allowed; at least one text is needed",
    ),
    Bad(
        "annotators.add_noise([], 0.7, 0)", "ValueError", "noise: 0.7 is not allowed; it must be a number from 0 to 0.5"
    ),
    Bad("annotators.best_possible([])", "ValueError", "pairs: [] is not allowed; it must hold at least one pair"),
    Bad(
        "annotators.Annotators(length_bias=-1)",
        "ValueError",
        "length_bias: -1 is not allowed; it must be a number from 0 to 5",
    ),
    Bad(
        "datasets.demonstrations(10, blind_share=1.5)",
        "ValueError",
        "blind_share: 1.5 is not allowed; it must be a number from 0 to 1",
    ),
    Bad(
        "datasets.corpus(10, popular_share=-0.1)",
        "ValueError",
        "popular_share: -0.1 is not allowed; it must be a number from 0 to 1",
    ),
    Bad("GPTConfig(0)", "ValueError", "vocab_size: 0 is not allowed; it must be a whole number from 1 up"),
    Bad(
        "GPTConfig(20, heads=3, width=16)", "ValueError", "width: 16 is not allowed; it must be a multiple of heads (3)"
    ),
    Bad("GPTConfig(20, layers=-1)", "ValueError", "layers: -1 is not allowed; it must be a whole number from 1 up"),
    Bad(
        "tiny(torch.full((1, 3), 99))",
        "ValueError",
        "tokens: an id outside the vocabulary: 99 is not allowed; it must be from 0 to 19",
    ),
    Bad(
        "tiny(torch.zeros(1, 2000, dtype=torch.long))",
        "ValueError",
        "tokens: a length of 2000 is not allowed; the context is 48 tokens",
    ),
    Bad(
        "RewardModel.from_policy(tiny, head_init='zeros')",
        "ValueError",
        "head_init: 'zeros' is not allowed; it must be one of normal, xavier, he",
    ),
    Bad(
        "RewardModel.from_policy(tiny, reward_offset=math.nan)",
        "ValueError",
        "reward_offset: nan is not allowed; it must be a number from -100 to 100",
    ),
    Bad(
        "likelihood.token_logprobs(torch.zeros(2, 3, 5), torch.zeros(2, 4, dtype=torch.long))",
        "ValueError",
        "logits and tokens: shapes (2, 3, 5) and (2, 4) are not allowed; they must be (B, T, V) and (B, T)",
    ),
    Bad(
        "likelihood.token_logprobs(torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.long))",
        "ValueError",
        "logits and tokens: shapes (2, 3) and (2, 3) are not allowed; they must be (B, T, V) and (B, T)",
    ),
    Bad(
        "likelihood.masked_cross_entropy(torch.zeros(2, 3, 5), torch.zeros(2, 3, dtype=torch.long), torch.zeros(2, 4))",
        "ValueError",
        "logits and mask: shapes (2, 3, 5) and (2, 4) are not allowed; they must be (B, T, V) and (B, T)",
    ),
    Bad(
        "likelihood.masked_cross_entropy(torch.zeros(2, 3, 5), torch.zeros(2, 3, dtype=torch.long), torch.zeros(2, 3))",
        "ValueError",
        "mask: (2, 3) all false is not allowed; it must mark at least one token",
    ),
    Bad(
        "preference.bradley_terry_loss(torch.zeros(2), torch.zeros(3))",
        "ValueError",
        "chosen and rejected: shapes (2,) and (3,) are not allowed; they must be equal",
    ),
    Bad(
        "preference.bradley_terry_loss(torch.zeros(0), torch.zeros(0))",
        "ValueError",
        "chosen: shape (0,) is not allowed; there must be at least one pair",
    ),
    Bad(
        "preference.bradley_terry_loss(torch.zeros(2), torch.zeros(2), margin=torch.zeros(3))",
        "ValueError",
        "chosen and margin: shapes (2,) and (3,) are not allowed; they must be equal",
    ),
    Bad(
        "preference.accuracy(torch.zeros(2), torch.zeros(3))",
        "ValueError",
        "chosen and rejected: shapes (2,) and (3,) are not allowed; they must be equal",
    ),
    Bad(
        "advantage.gae(torch.zeros(2, 3), torch.zeros(2, 4), torch.ones(2, 3))",
        "ValueError",
        "rewards and values: shapes (2, 3) and (2, 4) are not allowed; they must be equal",
    ),
    Bad(
        "advantage.gae(torch.zeros(2, 3), torch.zeros(2, 3), torch.ones(3, 3))",
        "ValueError",
        "rewards and mask: shapes (2, 3) and (3, 3) are not allowed; they must be equal",
    ),
    Bad(
        "advantage.masked_whiten(torch.zeros(2, 3), torch.zeros(2, 4))",
        "ValueError",
        "x and mask: shapes (2, 3) and (2, 4) are not allowed; they must be equal",
    ),
    Bad("kl.kl_estimate(one, one, kind='k4')", "ValueError", "kind: 'k4' is not allowed; it must be one of k1, k2, k3"),
    Bad(
        "kl.kl_estimate(torch.zeros(2, 3), torch.zeros(2, 4))",
        "ValueError",
        "logprobs and ref_logprobs: shapes (2, 3) and (2, 4) are not allowed; they must be equal",
    ),
    Bad("kl.best_of_n_kl(0)", "ValueError", "n: 0 is not allowed; it must be a whole number from 1 up"),
    Bad(
        "policy.clipped_policy_loss(torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(2, 2), torch.ones(2, 3))",
        "ValueError",
        "logprobs and advantages: shapes (2, 3) and (2, 2) are not allowed; they must be equal",
    ),
    Bad(
        "policy.clipped_value_loss(torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(2, 2), torch.ones(2, 3))",
        "ValueError",
        "values and returns: shapes (2, 3) and (2, 2) are not allowed; they must be equal",
    ),
    Bad(
        "direct.dpo_loss(one, one, one, torch.zeros(2))",
        "ValueError",
        "policy_chosen and ref_rejected: shapes (1,) and (2,) are not allowed; they must be equal",
    ),
    Bad(
        "intervals.bootstrap([], 10)",
        "ValueError",
        "values: shape (0,) is not allowed; it must be (seeds, cases) with some number in it",
    ),
    Bad("intervals.t_interval([1.0])", "ValueError", "values: shape (1,) is not allowed; it must be (N,), N from 2 up"),
    Bad(
        "fits.fit('cubic', [1, 2], [1, 2])",
        "ValueError",
        "method: 'cubic' is not allowed; it must be one of best_of_n, ppo",
    ),
    Bad(
        "kept.read('nosuch')", "ValueError", "name: 'nosuch' has no kept results; rlhf-lessons sweep nosuch makes them"
    ),
    Bad(
        "reward_models.reward_function('nosuch', 0)",
        "ValueError",
        "reward_model: 'nosuch' is not allowed; it must be one of broken, pairs_20, pairs_200, pairs_2000, full, biased, gold",
    ),
    Bad(
        "fault_bank.make_fault('healthy', seed=-1)",
        "ValueError",
        "seed: -1 is not allowed; it must be a whole number from 0 to 2147483647",
    ),
    Bad(
        "PPOSettings(rollout_size=1)",
        "ValueError",
        "rollout_size: 1 is not allowed; it must be a whole number from 2 to 4096",
    ),
    Bad(
        "PPOSettings(seed=[])", "ValueError", "seed: [] is not allowed; it must be a whole number from 0 to 2147483647"
    ),
    Bad(
        "program_one.ProgramOneSettings(update='x')",
        "ValueError",
        "update: 'x' is not allowed; it must be one of as_logged, sign_fixed, bias_cancelled, both_fixed, autograd",
    ),
    Bad(
        "program_one.run([], program_one.ProgramOneSettings())",
        "ValueError",
        "n_pairs: 20 is not allowed; it must be at most the 0 pairs given",
    ),
    Bad(
        "knobs.parse('seed', '1e99')",
        "ValueError",
        "seed: '1e99' is not allowed; it must be a whole number from 0 to 2147483647",
    ),
    Bad(
        "knobs.parse('seed', '9' * 5000)",
        "ValueError",
        "seed: '99999999999999999999999999999999999999999999999999999999... is not allowed; it must be a whole number from 0 to 2147483647",
    ),
    Bad(
        "knobs.parse('adaptive_kl', 'maybe')",
        "ValueError",
        "adaptive_kl: 'maybe' is not allowed; it must be true or false",
    ),
    Bad("knobs.parse('kl_coef', 'nan')", "ValueError", "kl_coef: nan is not allowed; it must be a number from 0 to 10"),
    Bad(
        "knobs.find('seed').check(10**5000)",
        "ValueError",
        "seed: <int too long to print> is not allowed; it must be a whole number from 0 to 2147483647",
    ),
    Bad(
        "lab_program_one.show(speed=3)",
        "ValueError",
        "speed: 'Program 1: three knobs and the update' has no such knob; it has learning_rate, reward_offset, weight_scale, n_pairs, update, seed",
    ),
    Bad(
        "ensure(10**5000)",
        "ValueError",
        "stage: <int too long to print> is not allowed; it must be one of pretrained, sft, reward, ppo, dpo, rloo, grpo, distilled",
    ),
    Bad(
        "ensure('sft' * 1000)",
        "ValueError",
        "stage: 'sftsftsftsftsftsftsftsftsftsftsftsftsftsftsftsftsftsftsf... is not allowed; it must be one of pretrained, sft, reward, ppo, dpo, rloo, grpo, distilled",
    ),
    Bad(
        "ensure('sft', parents={'pretrained': [1, 2]})",
        "ValueError",
        "parents: pretrained=[1, 2] is not allowed; it must be what ensure('pretrained') gives",
    ),
    Bad(
        "ensure('reward', parents={'ppo': None})",
        "ValueError",
        "parents: 'ppo' is not allowed for reward; it must be one of pretrained, sft",
    ),
    Bad(
        "ensure('pretrained', careful_share=-0.0001)",
        "ValueError",
        "careful_share: -0.0001 is not allowed; it must be a number from 0 to 1",
    ),
    Bad(
        "ensure('sft', careless_share=float('nan'))",
        "ValueError",
        "careless_share: nan is not allowed; it must be a number from 0 to 1",
    ),
    Bad(
        "ensure('reward', n_pairs=50_001)",
        "ValueError",
        "n_pairs: 50001 is not allowed; it must be a whole number from 1 to 50000",
    ),
    Bad(
        "ensure('reward', sampled_share=np.float64(1.5))",
        "ValueError",
        "sampled_share: np.float64(1.5) is not allowed; it must be a number from 0 to 1",
    ),
    Bad(
        "ensure('reward', epochs=np.int64(0))",
        "ValueError",
        "epochs: np.int64(0) is not allowed; it must be a whole number from 1 to 1000",
    ),
    Bad(
        "ensure('reward', head_init_scale=-1)",
        "ValueError",
        "head_init_scale: -1 is not allowed; it must be a number from 0 to 100",
    ),
    Bad("ensure('ppo', gamma=1.01)", "ValueError", "gamma: 1.01 is not allowed; it must be a number from 0 to 1"),
    Bad(
        "ensure('ppo', gae_lambda=[0.95])",
        "ValueError",
        "gae_lambda: [0.95] is not allowed; it must be a number from 0 to 1",
    ),
    Bad(
        "ensure('ppo', updates=1001)",
        "ValueError",
        "updates: 1001 is not allowed; it must be a whole number from 1 to 1000",
    ),
    Bad(
        "ensure('ppo', kl_target=0)", "ValueError", "kl_target: 0 is not allowed; it must be a number from 0.01 to 100"
    ),
    Bad(
        "ensure('ppo', missing_eos_penalty=-1)",
        "ValueError",
        "missing_eos_penalty: -1 is not allowed; it must be a number from 0 to 10",
    ),
    Bad(
        "ensure('ppo', ppo_epochs={'n': 4})",
        "ValueError",
        "ppo_epochs: {'n': 4} is not allowed; it must be a whole number from 1 to 20",
    ),
    Bad(
        "ensure('ppo', kl_coef=complex(0, 1))",
        "ValueError",
        "kl_coef: 1j is not allowed; it must be a number from 0 to 10",
    ),
    Bad(
        "store.save('sft', '1', {}, {'a': float})",
        "ValueError",
        "meta: {'a': <class 'float'>} is not allowed; it must be what JSON can hold (Object of type type is not JSON serializable)",
    ),
    Bad(
        "store.save('sft\\n', '1', {}, {})",
        "ValueError",
        "name: 'sft\\n' is not allowed; it must be one word of letters, digits, _ and .",
    ),
    Bad(
        "store.save('x' * 101, '1', {}, {})",
        "ValueError",
        "name: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx... is not allowed; it must be one word of letters, digits, _ and .",
    ),
    Bad(
        "store.save_result('', {})",
        "ValueError",
        "name: '' is not allowed; it must be one word of letters, digits, _ and .",
    ),
    Bad(
        "store.save_result('.hidden', {})",
        "ValueError",
        "name: '.hidden' is not allowed; it must be one word of letters, digits, _ and .",
    ),
    Bad(
        "store.load('sft', '..')",
        "ValueError",
        "fingerprint: '..' is not allowed; it must be one word of letters, digits, _ and .",
    ),
    Bad(
        "five_pairs.compute('123')",
        "ValueError",
        "choices: '123' is not allowed; it must be a text of at most 5 digits, each 1 or 2",
    ),
    Bad(
        "five_pairs.compute(12)",
        "ValueError",
        "choices: 12 is not allowed; it must be a text of at most 5 digits, each 1 or 2",
    ),
    Bad("knobs.find('model').check(3)", "ValueError", "model: 3 is not allowed; it must be a text"),
    Bad(
        "load_model('/nowhere')",
        "ValueError",
        "model: '/nowhere' is not allowed; it must be a folder with the weights of a model",
    ),
    Bad(
        "label_pairs.show(file='labels.csv')",
        "ValueError",
        "file: '...labels.csv' is not allowed; its name must end in .jsonl, not .journal.jsonl",
    ),
    Bad(
        "label_pairs.show(colleague='nowhere.jsonl')",
        "ValueError",
        "colleague: 'nowhere.jsonl' cannot be read (No such file or directory)",
    ),
    Bad(
        "label_pairs.show(colleague='BOX/story.log')",
        "ValueError",
        "file: '...story.log', line 1 is no label (...); it is left as it is",
    ),
    Bad(
        "label_pairs.show(colleague='BOX/pipe')",
        "ValueError",
        "file: '...pipe' is not an ordinary file; it must be one, and no folder, pipe or device",
    ),
]
