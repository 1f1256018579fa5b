//! What `tacit items` shows of images and pairs, and that its files are read back.

use crate::workplace::Workplace;

const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// A job of an image, of two texts to compare, and of a text beside an image; and its file of items.
fn place() -> (Workplace, String) {
    let place = Workplace::new();
    let items = format!(
        "id,text,image,image_sha256,image_alt,left,right,right_image,right_image_sha256,right_image_alt\n\
         a,,https://images.example/a.png,{SHA256},a stop sign,,,,,\n\
         b,Which one?,,,,first,second,,,\n\
         c,,,,,one,,https://more.example/c.png,{SHA256},\"two, torn\"\n"
    );
    place.write("items.csv", &items);
    place.job();
    place.ok("keygen --out me.key");
    (place, items)
}

#[test]
fn images_and_pairs_are_shown_and_come_back_as_the_buyer_wrote_them() {
    let (place, items) = place();
    let shown = place.ok("items j --key me.key --contributor me");
    let due = "\na\n  image: https://images.example/a.png (a stop sign)\nb: Which one?\n  left: first\n  right: second\nc\n  left: one\n  right image: \
               https://more.example/c.png (two, torn)\n";
    assert!(shown.ends_with(due), "{shown}");
    assert!(shown.contains("images come from images.example, more.example: "), "{shown}");
    assert_eq!(place.ok("items j --key me.key --csv"), items);
    // A buyer can open another job with it.
    place.write("items.csv", &place.ok("items j --key me.key --csv"));
    place.ok("job create spec.toml --id again --token-file token");
}

#[test]
fn a_template_shows_them_and_is_read_as_it_is() {
    let (place, _) = place();
    place.ok("items j --key me.key --contributor me --template t.csv");
    let template = std::fs::read_to_string(place.path().join("t.csv")).unwrap();
    assert!(
        template.starts_with("item,contributor,answer,text,image,image_alt,left,right,right_image,right_image_alt\na,me,,,https://images"),
        "{template}"
    );
    assert!(!template.contains(SHA256));
    place.write(
        "t.csv",
        &template.replacen("a,me,,", "a,me,stop,", 1).replacen("c,me,,", "c,me,yield,", 1),
    );
    let said = place.ok("answer j --answers t.csv --key me.key --public-answers");
    assert!(said.contains("j: 2 new answers of me sent;"), "{said}");
    let told: Vec<&str> = said.lines().take_while(|line| !line.starts_with("j: ")).collect();
    assert!(told.len() <= 10, "{told:?}");
    assert!(
        told.iter()
            .any(|line| line.starts_with("images come from images.example, more.example: "))
    );
    assert!(told.iter().any(|line| line.starts_with("kept: ")));
}
