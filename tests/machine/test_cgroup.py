"""Limits of containers are found in both versions of control groups, wherever the process stands in the tree."""

from __future__ import annotations

from pathlib import Path

from tunesmith.machine import cgroup

_V1 = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
_V2 = ("cpu.max",)


def machine(tmp_path: Path, *, cgroups: str, mounts: str, files: dict[str, str]) -> Path:
    """Build the files of a machine below ``tmp_path``; give the folder of the process."""
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / "cgroup").write_text(cgroups)
    (proc / "mountinfo").write_text(mounts.replace("/sys", f"{tmp_path}/sys"))
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return proc


def test_version_2_tells_the_limits_of_all_groups_up_to_the_mount(tmp_path: Path) -> None:
    """The innermost first; a group without the file, as the outermost is, tells nothing."""
    proc = machine(
        tmp_path,
        cgroups="0::/user/job\n",
        mounts="24 30 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
        files={
            "sys/fs/cgroup/user/job/cpu.max": "max 100000\n",
            "sys/fs/cgroup/user/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/cgroup.procs": "",
            "sys/fs/cpu.max": "1 1\n",
        },
    )
    assert cgroup.limits("cpu", v1=_V1, v2=_V2, proc=proc) == [["max", "100000"], ["150000", "100000"]]


def test_version_1_reads_the_tree_of_the_controller(tmp_path: Path) -> None:
    """Controllers mounted together, and others beside them, are told apart by name."""
    proc = machine(
        tmp_path,
        cgroups="5:memory:/other\n4:cpu,cpuacct:/job\n1:name=systemd:/x\n0::/\n",
        mounts=(
            "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
            "34 31 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
            "35 31 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
            "36 31 0:33 / /sys/tmp rw - tmpfs tmpfs rw,cpu\n"
        ),
        files={
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "250000\n",
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/memory/job/cpu.cfs_quota_us": "1\n",
            "sys/fs/cgroup/memory/job/cpu.cfs_period_us": "1\n",
        },
    )
    assert cgroup.limits("cpu", v1=_V1, v2=_V2, proc=proc) == [["250000", "100000"]]


def test_a_container_that_sees_its_own_group_at_the_mount_point(tmp_path: Path) -> None:
    """Docker names the group from outside and mounts it inside: the file is at the mount point itself."""
    proc = machine(
        tmp_path,
        cgroups="4:cpu:/docker/abc\n",
        mounts="33 31 0:30 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup ro,cpu\n",
        files={
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
    )
    assert cgroup.limits("cpu", v1=_V1, v2=_V2, proc=proc) == [["50000", "100000"]]


def test_a_group_below_the_one_at_the_mount_point(tmp_path: Path) -> None:
    """A process that a container put into a group of its own is bound by both."""
    proc = machine(
        tmp_path,
        cgroups="0::/docker/abc/worker\n",
        mounts="33 31 0:30 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup2 ro\n",
        files={"sys/fs/cgroup/worker/cpu.max": "100000 100000\n", "sys/fs/cgroup/cpu.max": "max 100000\n"},
    )
    assert cgroup.limits("cpu", v1=_V1, v2=_V2, proc=proc) == [["100000", "100000"], ["max", "100000"]]


def test_a_system_without_control_groups_has_no_limits(tmp_path: Path) -> None:
    """No files, and lines that are no mounts of groups, are no error."""
    assert cgroup.limits("cpu", v1=_V1, v2=_V2, proc=tmp_path) == []
    proc = machine(tmp_path, cgroups="", mounts="odd line\n\n1 2 - cgroup2\n", files={})
    assert cgroup.limits("cpu", v1=_V1, v2=_V2, proc=proc) == []
