//! Writes the files of `protocol/vectors/`: `cargo run -p tacit-scoring --features testing --example make_vectors`.

use tacit_protocol::vectors;

fn main() {
    vectors::write_all();
    vectors::write("certificate.json", &tacit_scoring::certificate_vectors::make());
}
