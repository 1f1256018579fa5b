//! Multi-party computation on replicated secret shares with an honest majority, secure against malicious nodes.
//!
//! `N` nodes hold shares of secret vectors and run the same program on them. They learn nothing but the outputs of the program,
//! and no output leaves a node before all nodes have verified that every product was computed correctly. The crate has no sockets,
//! no disk, no clock and no text: a program runs over a [`Network`](network::Network), whose one call is one round, and randomness
//! is handed in. The same program runs in threads of a test and between servers.
//!
//! # Security model
//!
//! * `3 ≤ N ≤ 7` nodes, of which up to `t < N/2` are corrupt and may deviate from the protocol in any way (malicious, static).
//! * *Privacy*: up to `t` nodes learn nothing but outputs. It is perfect given uniform masks, which are computational (ChaCha20);
//!   converting numbers to bits hides them statistically, with distance `2^-40`.
//! * *Correctness*: a wrong output is released with a probability below `2^-52` for up to `2^32` products.
//! * *Abort*: a corrupt node can stop a computation. Honest nodes then name suspects, but the outputs are not guaranteed.
//! * Channels between nodes must be private and authentic; the caller sees to it. `docs/security` in the repository has the proofs.
//!
//! # A program
//!
//! The same program runs at every node. Here three threads stand for three nodes (feature `testing`):
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use tacit_mpc_core::digest::Digest;
//! use tacit_mpc_core::field::Fp61;
//! use tacit_mpc_core::session::{Factors, Outputs, Setup};
//! use tacit_mpc_core::sharing::AccessStructure;
//! use tacit_mpc_core::testing::{World, sessions::{deal, elements}};
//!
//! // 1. A cluster: three nodes, of which one may be corrupt.
//! let world = World::new(AccessStructure::new(3, 1)?, 1);
//! let nodes = world.run(|party, network, mut rng| {
//!     // 2. Setup: the participants compare what they agreed on, and make fresh keys of shared randomness.
//!     let agreed = Digest::of("example", &[b"the inner product of x and y"]);
//!     let mut session = Setup::new(party.clone(), network).into_session(agreed, &mut rng)?;
//!     // 3. The program, on this node's components of x and y. Each product leaves a claim.
//!     let x = deal(&party, &elements(&[3, 1, 4]), 1);
//!     let y = deal(&party, &elements(&[2, 7, 1]), 2);
//!     let mut outputs = Outputs::default();
//!     for product in session.inner_products(vec![Factors { x, y, ends: vec![3] }])? {
//!         outputs.push("inner product", product);
//!     }
//!     // 4. All claims are verified. This consumes the session: no further product can be computed without a check.
//!     let unrecorded = session.verify(outputs)?;
//!     // 5. The node records durably what it is about to release, and waits until all others have done so.
//!     unrecorded.recorded()
//! });
//! for outputs in nodes {
//!     // Only now can this node's components be read. Their sum over all nodes, each once, is 3·2 + 1·7 + 4·1 = 17.
//!     assert_eq!(outputs?.outputs().count(), 1);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/inner_product.rs` and `examples/first_of_the_greatest.rs` are whole programs:
//! `cargo run -p tacit-mpc-core --features testing --example inner_product`.
//!
//! # Protocols
//!
//! Rounds, and the bytes that a node sends on average if `N = 3` and `t = 1`. In other clusters the bytes depend on how many nodes
//! hold a component. `n` is the number of bits of a number, and a comparison of two numbers takes `n` rounds if `n ≤ 3`, else
//! `1 + ⌈log2 n⌉`.
//!
//! | protocol | where | source | rounds | bytes |
//! |---|---|---|---|---|
//! | replicated sharing of a vector, compressed to seeds | [`sharing`], [`sharing::compress`] | [Ito, Saito, Nishizeki 1987](https://doi.org/10.1002/ecjc.4430720906) | none | none |
//! | shared randomness | [`prss`] | [Cramer, Damgård, Ishai 2005](https://doi.org/10.1007/978-3-540-30576-7_19) | 0 | 0 |
//! | exchange of public values | [`Setup::broadcast`](session::Setup::broadcast) | | 1 | the values, to each peer |
//! | comparison of public values | [`Setup::agree`](session::Setup::agree) | | 1 | the values, to each peer |
//! | keys of shared randomness | [`Setup::into_session`](session::Setup::into_session) | [RFC 5869](https://www.rfc-editor.org/rfc/rfc5869) | 2 | 192 |
//! | keys that outlive a session | [`Session::agree_on_stored_keys`](session::Session::agree_on_stored_keys) | | 1, or 2 if some have them already; 1 more to confirm | 386, and 32 for each that lacks them; 64 to confirm |
//! | inner products of any length | [`Session::products`](session::Session::products) | [Araki et al. 2016](https://eprint.iacr.org/2016/768) | 1 | 8 for each result |
//! | products of bits | [`Session::bit_products`](session::Session::bit_products) | [Araki et al. 2016](https://eprint.iacr.org/2016/768) | 1 | 8 for each 64 |
//! | opening of masked values, checks and recorded results | [`Opening`](session::Opening), [`Recorded::open`](session::Recorded::open) | [Araki et al. 2017](https://eprint.iacr.org/2017/816) | 1 | 8 for each element, and 32 |
//! | settling: all have received the same | [`Session::settle`](session::Session::settle) | | 1 | 2 |
//! | public coin | [`Session::coin`](session::Session::coin) | | 2 | 74 |
//! | check of all products, with proofs of length `O(log n)` | [`Session::verify`](session::Session::verify) | [Boneh et al. 2019](https://eprint.iacr.org/2019/188), [Boyle et al. 2019](https://eprint.iacr.org/2019/1390), [Goyal, Song 2020](https://eprint.iacr.org/2020/134) | 3 for each level of folding or opening, 2 more, and 1 for each field | 74 for each level, and `8·(2k - 2)` with `k ≤ 33` for each level of each field; 74 more, and 56 for each field; products of bits take one level more, of 74 and 504 |
//! | check of inputs by a combination that is 0 | [`Session::open_check`](session::Session::open_check) | [Boneh et al. 2021](https://eprint.iacr.org/2021/017) | 2 | 42 for one element |
//! | release after all have recorded | [`Unrecorded::recorded`](session::Unrecorded::recorded) | | 1 | 2 |
//! | numbers to bits | [`circuit::to_bits`] | [Damgård et al. 2006](https://doi.org/10.1007/11681878_15), [Mohassel, Rindal 2018](https://eprint.iacr.org/2018/403), [Sklansky 1960](https://doi.org/10.1109/TEC.1960.5219822) | 3, and at most as many as a comparison | 8 for each packed element, 34, and 8 for each 64 products of bits |
//! | bits to numbers | [`circuit::to_numbers`] | | `⌈log2 C(N, t)⌉`, that is 2 | 8 for each of 2 products for each bit |
//! | indicators of numbers | [`circuit::one_hot`] | | `⌈log2 n⌉` | 8 for each product |
//! | index of the first greatest of `c` numbers | [`circuit::first_of_the_greatest`] | | at most `⌈log2 c⌉` comparisons, and 1 for each | 8 for each 64 products of bits |
//! | the same for numbers with a small sum | [`circuit::first_to_reach`] | | at most `n + ⌈log2 c⌉ + 1` | 8 for each 64 products of bits |
//! | inverses, 0 for 0 | [`circuit::inverses`] | [Bar-Ilan, Beaver 1989](https://doi.org/10.1145/72981.72995) | 3 | 16 for each element, and 34 |
//!
//! # Modules
//!
//! They import each other in one direction, from [`field`] up: [`sharing`], [`prss`] and [`digest`], [`stored_keys`], then [`probe`] and [`network`],
//! then [`session`], then [`circuit`], and on top, with the feature `testing`, an in-memory world of nodes.

pub mod circuit;
pub mod digest;
pub mod field;
pub(crate) mod fold_schedule;
pub mod network;
pub(crate) mod opening;
pub mod probe;
pub mod prss;
pub mod secret_vec;
pub mod session;
pub mod sharing;
pub mod stored_keys;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
