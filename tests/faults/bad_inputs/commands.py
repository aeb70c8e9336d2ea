"""Bad words on the command line, but for those that `logs.py` has."""

from tests.faults.bad_inputs import Bad

ONES = "1" * 5000
SEED = "it must be a whole number from 0 to 2147483647"
KL_COEF = "it must be a number from 0 to 10"
A_NAME = "is not one; it must be a number or a name from 00_start_here, ..., 10_a_real_model"
NO_NOTEBOOK = "notebook: 'BOX/{}/06_ppo.ipynb' is not one; it must be a file that Jupyter saved"
NO_FOLDER = "notebooks: {} holds none; the course's notebooks are in its repository, not in the installed package: "
NO_FOLDER += "name their folder with --notebooks"
ITSELF = "output: {} is the notebook itself; it must be another file"
NO_RUN = "output: {} was not written by a run; it must be a new file (or --force)"
NO_FILE = "output: {} is not an ordinary file; it must be one, and no folder or pipe"
NO_SUBMISSIONS = "folder: {} is not allowed; it must be a folder with submitted notebooks"
SECONDS = "it must be a whole number from 1 to 86400"
TIDY = "run 06 --notebooks BOX/tidy -o"
# Instead of a notebook; those of the second group only show when one is run.
NO_NOTEBOOKS = ["empty", "empty_object", "empty_list", "cut", "deep", "number_cells", "null_cells", "bare_cell"]
NO_NOTEBOOKS += ["no_metadata", "list_metadata", "number_source", "folder_as_notebook", "pipe_as_notebook"]
NOT_TO_RUN = ["no_version", "version_99", "unknown_cell"]

ROWS = [
    # Which command, with which options.
    Bad("lesson", 2, "No such command 'lesson'... (... --help)"),
    Bad("corse", 2, "No such command 'corse'... (... --help)"),
    Bad("RUN 06", 2, "No such command 'RUN'... (... --help)"),
    Bad("''", 2, "No such command ''... (... --help)"),
    Bad("06", 2, "No such command '06'... (... --help)"),
    Bad("--quiet list", 2, "No such option: --quiet... (... --help)"),
    Bad("--version=2", 2, "Option '--version' does not take a value."),
    Bad("list 06", 2, "Got unexpected extra argument... (06) (... list --help)"),
    Bad("run", 2, "notebook: it is missing (... run --help)"),
    Bad("run 05 06", 2, "Got unexpected extra argument... (06) (... run --help)"),
    Bad("run 06 --seed 3", 2, "No such option: --seed... (... run --help)"),
    Bad("run 06 -s", 2, "No such option: -s... (... run --help)"),
    Bad("course 06", 2, "Got unexpected extra argument... (06) (... course --help)"),
    Bad("course --force=yes", 2, "Option '--force' does not take a value."),
    Bad("scorecard best", 2, "Got unexpected extra argument... (best) (... scorecard --help)"),
    Bad("cache clear", 2, "No such command 'clear'... (... cache --help)"),
    Bad("cache --yes", 2, "No such option: --yes... (... cache --help)"),
    Bad("cache clean all", 2, "Got unexpected extra argument... (all) (... cache clean --help)"),
    Bad("diagnose", 2, "file: it is missing (... diagnose --help)"),
    Bad(
        "diagnose BOX/short.log --ceiling 2",
        2,
        "ceiling: 2.0 is not allowed; it must be a number over 0.5, at most 1",
    ),
    Bad(
        "diagnose BOX/short.log --kind rlhf",
        2,
        "kind: 'rlhf' is not allowed; it must be one of reward_model, dpo, orpo, kto, grpo, ppo, sft, unknown",
    ),
    Bad("diagnose BOX/short.log --kind", 2, "Option '--kind' requires an argument."),
    Bad("diagnose BOX/short.log BOX/none.log", 2, "BOX/none.log: file: 'BOX/none.log' cannot be read (No such ...)"),
    Bad("diagnose BOX/short.log --html BOX/a.htm", 2, "html: 'BOX/a.htm' is not allowed; it must end in .html"),
    Bad("diagnose BOX/short.log --html BOX/short.log", 2, "html: 'BOX/short.log' is not allowed; it must end in .html"),
    Bad("diagnose BOX/logs/page.html --html BOX/logs/page.html", 2, "html: 'BOX/logs/page.html' is one of the logs..."),
    Bad("diagnose BOX/short.log --html BOX/no/a.html", 2, "html: 'BOX/no/a.html' cannot be written (No such file ...)"),
    Bad("diagnose BOX/short.log --html /proc/a.html", 2, "html: '/proc/a.html' cannot be written (...)"),
    Bad("diagnose BOX/short.log --picture BOX/a.pdf", 2, "picture: 'BOX/a.pdf' is not allowed; it must end in .png"),
    Bad("diagnose BOX/short.log --json out.json", 2, "out.json: file: 'out.json' cannot be read (No such file ...)"),
    Bad("explain RM999", 2, "code: 'RM999' is not allowed; it must be one of ..."),
    Bad("explain ''", 2, "code: '' is not allowed; it must be one of ..."),
    Bad("explain RM001 RM998", 2, "code: 'RM998' is not allowed; it must be one of ..."),
    Bad("diagnose BOX/story.log --ceiling high", 2, "ceiling: 'high' is not allowed; it must be a number"),
    # Which reward model, on which pairs.
    Bad("examine", 2, "model: it is missing (... examine --help)"),
    Bad("examine --model BOX", 2, "pairs: it is missing (... examine --help)"),
    Bad("examine --batch-size 0", 2, "batch_size: '0' is not allowed; it must be a whole number from 1 to 4096"),
    Bad("examine --max-length x", 2, "max_length: 'x' is not allowed; it must be a whole number from 1 to 1000000"),
    Bad("examine --ceiling high", 2, "ceiling: 'high' is not allowed; it must be a number"),
    # Which sweep, with how much of the machine.
    Bad("sweep", 2, "name: it is missing (... sweep --help)"),
    Bad(
        "sweep everything",
        2,
        "name: 'everything' is not allowed; it must be one of over-optimisation, method-search, methods",
    ),
    Bad(
        "sweep over_optimisation",
        2,
        "name: 'over_optimisation' is not allowed; it must be one of over-optimisation, method-search, methods",
    ),
    Bad("sweep ''", 2, "name: '' is not allowed; it must be one of over-optimisation, method-search, methods"),
    Bad("sweep over-optimisation --jobs 0", 2, "jobs: '0' is not allowed; it must be a whole number from 1 to 64"),
    Bad("sweep over-optimisation --jobs -1", 2, "jobs: '-1' is not allowed; it must be a whole number from 1 to 64"),
    Bad("sweep over-optimisation --jobs 65", 2, "jobs: '65' is not allowed; it must be a whole number from 1 to 64"),
    Bad("sweep over-optimisation --jobs all", 2, "jobs: 'all' is not allowed; it must be a whole number from 1 to 64"),
    Bad("sweep over-optimisation --jobs", 2, "Option '--jobs' requires an argument."),
    Bad("quality --seeds 0", 2, "seeds: '0' is not allowed; it must be a whole number from 1 to 20"),
    Bad("quality --seeds 2.5", 2, "seeds: '2.5' is not allowed; it must be a whole number from 1 to 20"),
    Bad("quality --seeds x", 2, "seeds: 'x' is not allowed; it must be a whole number from 1 to 20"),
    Bad("quality --seeds ²", 2, "seeds: '²' is not allowed; it must be a whole number from 1 to 20"),
    Bad(f"quality --seeds {ONES}", 2, "seeds: '111...... is not allowed; it must be a whole number from 1 to 20"),
    Bad("quality 5", 2, "Got unexpected extra argument... (5) (... quality --help)"),
    # Which submissions, and whose progress.
    Bad("grade", 2, "folder: it is missing (... grade --help)"),
    Bad("grade BOX/a BOX/b", 2, "Got unexpected extra argument... (BOX/b) (... grade --help)"),
    Bad("grade BOX/nowhere", 2, NO_SUBMISSIONS.format("'BOX/nowhere'")),
    Bad("grade BOX/story.log", 2, NO_SUBMISSIONS.format("'BOX/story.log'")),
    Bad("grade BOX/pipe", 2, NO_SUBMISSIONS.format("'BOX/pipe'")),
    Bad("grade BOX/logs", 2, "folder: 'BOX/logs' holds no notebooks; their names must end in .ipynb"),
    Bad("grade BOX/tidy --seconds 0", 2, f"seconds: '0' is not allowed; {SECONDS}"),
    Bad("grade BOX/tidy --seconds 1.5", 2, f"seconds: '1.5' is not allowed; {SECONDS}"),
    Bad("grade BOX/tidy --memory 0", 2, "memory: '0' is not allowed; it must be a whole number from 1 to 1024"),
    Bad("grade BOX/tidy --memory 4GB", 2, "memory: '4GB' is not allowed; it must be a whole number from 1 to 1024"),
    Bad("grade BOX/tidy --jobs 65", 2, "jobs: '65' is not allowed; it must be a whole number from 1 to 64"),
    Bad("grade BOX/tidy --jobs", 2, "Option '--jobs' requires an argument."),
    Bad("grade BOX/tidy -o BOX/grades.xlsx", 2, "output: 'BOX/grades.xlsx' is not allowed; it must end in .csv"),
    Bad("grade BOX/tidy -o BOX/no/a.csv", 2, "output: 'BOX/no/a.csv' cannot be written (No such file or directory)"),
    Bad("grade BOX/tidy -o /proc/a.csv", 2, "output: '/proc/a.csv' cannot be written (...)"),
    Bad("progress 06", 2, "Got unexpected extra argument... (06) (... progress --help)"),
    Bad("progress --remove", 2, "No such option: --remove... (... progress --help)"),
    Bad(
        "RLHF_LESSONS_PROGRESS=BOX/story.log progress",
        2,
        "RLHF_LESSONS_PROGRESS: 'BOX/story.log' is a file; it must be a folder",
    ),
    # Which notebook.
    Bad("run 99", 2, f"notebook: '99' {A_NAME}"),
    Bad("run ²", 2, f"notebook: '²' {A_NAME}"),
    Bad("run ٦", 2, f"notebook: '٦' {A_NAME}"),
    Bad("run 1e99", 2, f"notebook: '1e99' {A_NAME}"),
    Bad("run -- -6", 2, f"notebook: '-6' {A_NAME}"),
    Bad("run 6.0", 2, f"notebook: '6.0' {A_NAME}"),
    Bad("run ''", 2, f"notebook: '' {A_NAME}"),
    Bad("run ' 06'", 2, f"notebook: ' 06' {A_NAME}"),
    Bad("run ppo", 2, f"notebook: 'ppo' {A_NAME}"),
    Bad("run ../06_ppo", 2, f"notebook: '../06_ppo' {A_NAME}"),
    Bad("run '06\n07'", 2, f"notebook: '06\\n07' {A_NAME}"),
    Bad(f"run {ONES}", 2, f"notebook: '111...... {A_NAME}"),
    Bad("list --notebooks BOX/nowhere", 2, NO_FOLDER.format("'BOX/nowhere'")),
    Bad("list --notebooks BOX/story.log", 2, NO_FOLDER.format("'BOX/story.log'")),
    Bad("list --notebooks BOX/pipe", 2, NO_FOLDER.format("'BOX/pipe'")),
    Bad("list --notebooks ''", 2, NO_FOLDER.format("'.'")),
    Bad("run 06 --notebooks BOX", 2, NO_FOLDER.format("'BOX'")),
    Bad("course --notebooks BOX", 2, NO_FOLDER.format("'BOX'")),
    *[Bad(f"list --notebooks BOX/{name}", 2, NO_NOTEBOOK.format(name)) for name in NO_NOTEBOOKS],
    *[Bad(f"run 06 --notebooks BOX/{name}", 2, NO_NOTEBOOK.format(name)) for name in NO_NOTEBOOKS + NOT_TO_RUN],
    *[Bad(f"course --notebooks BOX/{name}", 2, NO_NOTEBOOK.format(name)) for name in NOT_TO_RUN],
    *[
        Bad(f"{words} --notebooks BOX/{name}", 2, f"notebook: the parameters of 'BOX/{name}/06_ppo.ipynb' are not ...")
        for words in ("list", "run 06")
        for name in ("no_python", "zero_byte", "deep_python")
    ],
    *[
        Bad(
            f"{words} --notebooks BOX/julia",
            2,
            "notebook: the kernel 'julia-1.9' of 'BOX/julia/06_ppo.ipynb' is not installed; there is ...python3...",
        )
        for words in ("run 06", "course")
    ],
    Bad("run 06 --notebooks BOX/unnamed_kernel", 2, NO_NOTEBOOK.format("unnamed_kernel")),
    # With which parameters.
    Bad("run 06 -p", 2, "Option '-p' requires an argument."),
    Bad("run 06 -p seed", 2, "parameter: 'seed' is not allowed; it must be a name and a value"),
    Bad("run 06 -p seed -o x.ipynb", 2, "parameter: 'seed' is not allowed; it must be a name and a value"),
    Bad("run 06 -p ''", 2, "parameter: '' is not allowed; it must be a name and a value"),
    Bad("run 06 -p =3", 2, "parameter: '=3' is not allowed; it must be a name and a value"),
    Bad("run 06 -p seed=", 2, f"seed: '' is not allowed; {SEED}"),
    Bad("run 06 -p seed ''", 2, f"seed: '' is not allowed; {SEED}"),
    Bad("run 06 -p seed=1=2", 2, f"seed: '1=2' is not allowed; {SEED}"),
    Bad("run 06 -p seed 1 -p seed 2", 2, "seed: '2' is not allowed; it is '1' already"),
    Bad("run 06 --parameter kl_coef=0.1 -p kl_coef 0.2", 2, "kl_coef: '0.2' is not allowed; it is '0.1' already"),
    Bad("run 06 -p kl 0.2", 2, "kl: 06_ppo has no such parameter"),
    Bad("run 06 -p SEED 1", 2, "SEED: 06_ppo has no such parameter"),
    Bad("run 06 -p n_pairs 20", 2, "n_pairs: 06_ppo has no such parameter"),
    Bad("run 06 -p seed nan", 2, f"seed: 'nan' is not allowed; {SEED}"),
    Bad("run 06 -p seed True", 2, f"seed: 'True' is not allowed; {SEED}"),
    Bad("run 06 -p seed 1.0", 2, f"seed: '1.0' is not allowed; {SEED}"),
    Bad("run 06 -p seed -1", 2, f"seed: -1 is not allowed; {SEED}"),
    Bad("run 06 -p seed ²", 2, f"seed: '²' is not allowed; {SEED}"),
    Bad("run 06 -p seed 2147483648", 2, f"seed: 2147483648 is not allowed; {SEED}"),
    Bad(f"run 06 -p seed {ONES}", 2, f"seed: '111...... is not allowed; {SEED}"),
    Bad("run 06 -p kl_coef nan", 2, f"kl_coef: nan is not allowed; {KL_COEF}"),
    Bad("run 06 -p kl_coef inf", 2, f"kl_coef: inf is not allowed; {KL_COEF}"),
    Bad("run 06 -p kl_coef 1e999", 2, f"kl_coef: inf is not allowed; {KL_COEF}"),
    Bad("run 06 -p kl_coef -0.1", 2, f"kl_coef: -0.1 is not allowed; {KL_COEF}"),
    Bad("run 06 -p kl_coef 0,1", 2, f"kl_coef: '0,1' is not allowed; {KL_COEF}"),
    Bad(f"run 06 -p kl_coef {ONES}", 2, f"kl_coef: inf is not allowed; {KL_COEF}"),
    # For how long.
    Bad("run 06 --cell-seconds 0", 2, f"cell_seconds: '0' is not allowed; {SECONDS}"),
    Bad("run 06 --cell-seconds -5", 2, f"cell_seconds: '-5' is not allowed; {SECONDS}"),
    Bad("run 06 --cell-seconds 1.5", 2, f"cell_seconds: '1.5' is not allowed; {SECONDS}"),
    Bad("run 06 --cell-seconds 1e9", 2, f"cell_seconds: '1e9' is not allowed; {SECONDS}"),
    Bad("run 06 --cell-seconds 86401", 2, f"cell_seconds: '86401' is not allowed; {SECONDS}"),
    Bad("run 06 --cell-seconds soon", 2, f"cell_seconds: 'soon' is not allowed; {SECONDS}"),
    Bad(f"course --cell-seconds {ONES}", 2, f"cell_seconds: '111...... is not allowed; {SECONDS}"),
    # Where to.
    Bad("run 06 -o", 2, "Option '-o' requires an argument."),
    Bad(f"{TIDY} BOX/tidy/06_ppo.ipynb", 2, ITSELF.format("'BOX/tidy/06_ppo.ipynb'")),
    Bad(f"{TIDY} BOX/tidy/../tidy/06_ppo.ipynb --force", 2, ITSELF.format("'BOX/tidy/../tidy/06_ppo.ipynb'")),
    Bad(f"{TIDY} BOX/link.ipynb", 2, ITSELF.format("'BOX/link.ipynb'")),
    Bad(f"{TIDY} BOX/link.ipynb --force", 2, ITSELF.format("'BOX/link.ipynb'")),
    Bad(f"{TIDY} BOX/hard_link.ipynb --force", 2, ITSELF.format("'BOX/hard_link.ipynb'")),
    Bad(f"{TIDY} BOX/mine.ipynb", 2, NO_RUN.format("'BOX/mine.ipynb'")),
    Bad(f"{TIDY} BOX/story.log", 2, NO_RUN.format("'BOX/story.log'")),
    Bad(f"{TIDY} BOX/list_in_json.ipynb", 2, NO_RUN.format("'BOX/list_in_json.ipynb'")),
    Bad(f"{TIDY} BOX/empty.ipynb", 2, NO_RUN.format("'BOX/empty.ipynb'")),
    Bad(f"{TIDY} BOX/julia/06_ppo.ipynb", 2, NO_RUN.format("'BOX/julia/06_ppo.ipynb'")),
    Bad(f"{TIDY} BOX", 2, NO_FILE.format("'BOX'")),
    Bad(f"{TIDY} ''", 2, NO_FILE.format("'.'")),
    Bad(f"{TIDY} BOX/pipe --force", 2, NO_FILE.format("'BOX/pipe'")),
    Bad(f"{TIDY} /dev/null --force", 2, NO_FILE.format("'/dev/null'")),
    Bad(f"{TIDY} BOX/story.log/out.ipynb", 2, "output: 'BOX/story.log/out.ipynb' cannot be written (File exists)"),
    Bad(f"{TIDY} /proc/nowhere/out.ipynb", 2, "output: '/proc/nowhere/out.ipynb' cannot be written (...)"),
    Bad(f"{TIDY} BOX/{'n' * 300}.ipynb", 2, "output: 'BOX/nnn...n.ipynb' cannot be written (File name too long)"),
    Bad("course --notebooks BOX/tidy -o BOX/tidy", 2, ITSELF.format("'BOX/tidy/06_ppo.ipynb'")),
    Bad("course --notebooks BOX/tidy -o BOX/tidy --force", 2, ITSELF.format("'BOX/tidy/06_ppo.ipynb'")),
    Bad("course --notebooks BOX/tidy -o BOX/linked_course", 2, ITSELF.format("'BOX/linked_course/06_ppo.ipynb'")),
    Bad("course --notebooks BOX/tidy -o BOX/course_of_mine", 2, NO_RUN.format("'BOX/course_of_mine/06_ppo.ipynb'")),
    Bad("course --notebooks BOX/tidy -o BOX/folder_as_notebook", 2, NO_FILE.format("'BOX/folder_as_notebook/...'")),
    Bad(
        "course --notebooks BOX/tidy -o BOX/story.log",
        2,
        "output: 'BOX/story.log/06_ppo.ipynb' cannot be written (File exists)",
    ),
    # In which surroundings.
    Bad(
        "RLHF_LESSONS_HOME=BOX/story.log cache", 2, "RLHF_LESSONS_HOME: 'BOX/story.log' is a file; it must be a folder"
    ),
    Bad(
        "RLHF_LESSONS_HOME=BOX/story.log cache clean --yes",
        2,
        "RLHF_LESSONS_HOME: 'BOX/story.log' is a file; it must be a folder",
    ),
    Bad(
        "RLHF_LESSONS_HOME=BOX/story.log/below quality --seeds 1",
        2,
        "RLHF_LESSONS_HOME: 'BOX/story.log/below' cannot be written (Not a directory); set it to a folder that can",
    ),
    Bad("COLUMNS=² run 99", 2, f"notebook: '99' {A_NAME}"),
    Bad("COLUMNS=0 lesson", 2, "No such command 'lesson'... (... --help)"),
    Bad("COLUMNS=1 quality --seeds 0", 2, "seeds: '0' is not allowed; it must be a whole number from 1 to 20"),
]
