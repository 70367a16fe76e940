//! The README's table of limits is the one that the server prints (`UPDATE=1` writes it there).

use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- limits: pushlab-server --limits -->\n";
const END: &str = "<!-- end of limits -->\n";

#[test]
fn the_readme_has_the_table_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the README has the table");
    let (table, after) = rest.split_once(END).expect("the table has an end");
    let current = pushlab_server::limits::table::markdown();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{current}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(
        table, current,
        "UPDATE=1 cargo test -p pushlab-server --test hardening limits"
    );
}
