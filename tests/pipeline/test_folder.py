from evalkit.pipeline.folder import run_folder


def test_two_runs_of_a_plan_at_once_get_folders_of_their_own(tmp_path):
    with run_folder(tmp_path, "abcdef0123") as one, run_folder(tmp_path, "abcdef0123") as two:
        assert one.path != two.path
        assert [one.resumed, two.resumed] == [False, False]
