//! The control groups that may limit this process, as far as they can be seen from here.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The version of a hierarchy of control groups. Their files have other names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlGroupVersion {
    /// One hierarchy for each controller.
    V1,
    /// One hierarchy for all of them.
    V2,
}

/// The folders of the control groups of this process and of all above them, for a controller such as `memory` or
/// `pids`. Their files may be absent: a group at the root of a hierarchy has no limits.
#[must_use]
pub fn control_groups(controller: &str) -> Vec<(ControlGroupVersion, PathBuf)> {
    let text_of = |path| fs::read_to_string(path).unwrap_or_default();
    groups_in(
        controller,
        &text_of("/proc/self/mountinfo"),
        &text_of("/proc/self/cgroup"),
    )
}

fn groups_in(controller: &str, mountinfo: &str, memberships: &str) -> Vec<(ControlGroupVersion, PathBuf)> {
    let groups_below = |mount: &str| {
        // <id> <parent> <device> <root> <mount point> <options> <tags>... - <type> <source> <options>
        let (mount, file_system) = mount.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3).map(unescaped);
        let (root, mount_point) = (mount.next()?, mount.next()?);
        let mut file_system = file_system.split(' ');
        let (version, name) = match (file_system.next()?, file_system.nth(1)?) {
            ("cgroup2", _) => (ControlGroupVersion::V2, ""),
            ("cgroup", options) if options.split(',').any(|option| option == controller) => {
                (ControlGroupVersion::V1, controller)
            }
            _ => return None,
        };
        // <id>:<controllers>:<path>, with no controllers for version 2.
        let path = memberships.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            controllers.split(',').any(|other| other == name).then_some(path)
        })?;
        // Only what is below the root of the mount can be seen; "/.." is a group outside of our namespace.
        let below = Path::new(path).strip_prefix(root).ok()?;
        if !below
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
        {
            return None;
        }
        let groups = below.ancestors().map(|below| {
            let parts = [OsStr::new(&mount_point)].into_iter().chain(below);
            (version, parts.collect())
        });
        Some(groups.collect::<Vec<_>>())
    };
    mountinfo.lines().filter_map(groups_below).flatten().collect()
}

/// A path of mountinfo: spaces and backslashes are escaped there. Tabs and line feeds are too, but no control
/// group has them.
fn unescaped(path: &str) -> String {
    path.replace(r"\040", " ").replace(r"\134", r"\")
}

#[cfg(test)]
mod tests {
    use super::ControlGroupVersion::{V1, V2};
    use super::groups_in;
    use std::path::PathBuf;

    #[test]
    fn p2_8_control_groups_are_our_own_and_all_above_it_up_to_the_root_that_can_be_seen() {
        let v2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        let in_container = "30 23 0:26 /docker/12ab /sys/fs/cgroup ro - cgroup2 cgroup ro\n";
        let v1 = "34 31 0:31 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                  35 31 0:32 /docker/12ab /sys/fs/cgroup/mem\\040ory rw - cgroup cgroup rw,memory\n\
                  41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let escaped = r"30 23 0:26 /a\134x2db /sys/fs/cgroup ro - cgroup2 cgroup ro";
        for (mountinfo, memberships, expected) in [
            (
                v2,
                "0::/system.slice/vas.service\n",
                &[
                    (V2, "/sys/fs/cgroup/system.slice/vas.service"),
                    (V2, "/sys/fs/cgroup/system.slice"),
                    (V2, "/sys/fs/cgroup"),
                ][..],
            ),
            (v2, "0::/\n", &[(V2, "/sys/fs/cgroup")]),
            (in_container, "0::/docker/12ab\n", &[(V2, "/sys/fs/cgroup")]),
            (
                v1,
                "4:cpu,memory:/docker/12ab/in:ner\n3:cpuset:/other\n1:name=systemd:/third\n0::/fourth\n",
                &[
                    (V1, "/sys/fs/cgroup/mem ory/in:ner"),
                    (V1, "/sys/fs/cgroup/mem ory"),
                    (V2, "/sys/fs/cgroup/unified/fourth"),
                    (V2, "/sys/fs/cgroup/unified"),
                ],
            ),
            (
                escaped,
                "0::/a\\x2db/c\n",
                &[(V2, "/sys/fs/cgroup/c"), (V2, "/sys/fs/cgroup")],
            ),
            // Out of sight: elsewhere in the hierarchy, or above the root of our namespace.
            (in_container, "0::/docker/34cd\n", &[]),
            (v2, "0::/../34cd\n", &[]),
            (v2, "4:memory:/a\n", &[]),
            (v2, "", &[]),
            ("", "0::/a\n", &[]),
            (
                "30 23 0:26 / /sys/fs/cgroup\n30 - cgroup2\n- -\n",
                "0::/a\n0\n",
                &[],
            ),
        ] {
            let expected: Vec<_> = expected
                .iter()
                .map(|&(version, dir)| (version, PathBuf::from(dir)))
                .collect();
            let found = groups_in("memory", mountinfo, memberships);
            assert_eq!(found, expected, "{mountinfo}{memberships}");
            // They are compared by their components, shown as they are.
            assert!(found.iter().all(|(_, dir)| !dir.to_str().unwrap().ends_with('/')));
        }
    }
}
