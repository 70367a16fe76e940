//! Whether nginx is installed here and has Nchan: by what loads the module, where Debian puts that.

use loadgen::target::find_nginx;
use std::fs;

pub fn is_here() -> bool {
    let enabled = fs::read_dir("/etc/nginx/modules-enabled").is_ok_and(|entries| {
        let mut names = entries.flatten().map(|entry| entry.file_name());
        names.any(|name| name.to_string_lossy().ends_with("nchan.conf"))
    });
    enabled && find_nginx().is_ok()
}
