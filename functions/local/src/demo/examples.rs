//! The files of `examples/`, inside the binary.

/// The flow that needs systems around the shop.
pub(crate) const EVERYWHERE: &str = "everywhere.yaml";

/// `(path below the folder of the examples, text)` of every flow and of the files beside them.
pub(crate) const EXAMPLES: &[(&str, &str)] = &[
    ("checkout.yaml", include_str!("../../../../examples/checkout.yaml")),
    ("catalogue.yaml", include_str!("../../../../examples/catalogue.yaml")),
    ("fulfilment.yaml", include_str!("../../../../examples/fulfilment.yaml")),
    ("cancellation.yaml", include_str!("../../../../examples/cancellation.yaml")),
    (EVERYWHERE, include_str!("../../../../examples/everywhere.yaml")),
    ("parts/place-order.yaml", include_str!("../../../../examples/parts/place-order.yaml")),
    ("data/products.csv", include_str!("../../../../examples/data/products.csv")),
    ("schemas/order.json", include_str!("../../../../examples/schemas/order.json")),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::EXAMPLES;

    fn add(folder: &Path, prefix: &str, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() {
                add(&entry.path(), &format!("{name}/"), names);
            } else if !name.ends_with(".md") {
                names.insert(name);
            }
        }
    }

    #[test]
    fn every_file_of_the_examples_is_inside() {
        let mut expected = BTreeSet::new();
        add(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples"), "", &mut expected);
        let inside: BTreeSet<String> = EXAMPLES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(inside, expected);
    }
}
