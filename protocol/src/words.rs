//! Digests in words, for people who compare them by voice.

use tacit_mpc_core::digest::Digest;

/// How many bytes of a digest are spoken. Finding another digest with the same 128 bits takes 2^128 attempts.
const SPOKEN: usize = 16;

/// A word for each value of a byte: the two-syllable words of the PGP word list, which were chosen to sound different from each other.
const WORDS: &str = "\
    aardvark absurd accrue acme adrift adult afflict ahead aimless algol allow alone ammo ancient apple artist assume athens atlas \
    aztec baboon backfield backward banjo beaming bedlamp beehive beeswax befriend belfast berserk billiard bison blackjack blockade \
    blowtorch bluebird bombast bookshelf brackish breadline breakup brickyard briefcase burbank button buzzard cement chairlift \
    chatter checkup chisel choking chopper christmas clamshell classic classroom cleanup clockwork cobra commence concert cowbell \
    crackdown cranky crowfoot crucial crumpled crusade cubic dashboard deadbolt deckhand dogsled dragnet drainage dreadful drifter \
    dropper drumbeat drunken dupont dwelling eating edict egghead eightball endorse endow enlist erase escape exceed eyeglass eyetooth \
    facial fallout flagpole flatfoot flytrap fracture framework freedom frighten gazelle geiger glitter glucose goggles goldfish \
    gremlin guidance hamlet highchair hockey indoors indulge inverse involve island jawbone keyboard kickoff kiwi klaxon locale lockup \
    merit minnow miser mohawk mural music necklace neptune newborn nightbird oakland obtuse offload optic orca payday peachy pheasant \
    physique playhouse pluto preclude prefer preshrunk printer prowler pupil puppy python quadrant quiver quota ragtime ratchet \
    rebirth reform regain reindeer rematch repay retouch revenge reward rhythm ribcage ringbolt robust rocker ruffled sailboat sawdust \
    scallion scenic scorecard scotland seabird select sentence shadow shamrock showgirl skullcap skydive slingshot slowdown snapline \
    snapshot snowcap snowslide solo southward soybean spaniel spearhead spellbind spheroid spigot spindle spyglass stagehand stagnate \
    stairway standard stapler steamship sterling stockman stopwatch stormy sugar surmount suspense sweatband swelter tactics talon \
    tapeworm tempest tiger tissue tonic topmost tracker transit trauma treadmill trojan trouble tumor tunnel tycoon uncut unearth \
    unwind uproot upset upshot vapor village virus vulcan waffle wallet watchword wayside willow woodlark zulu";

/// The first half of a digest in 16 words.
pub fn words(digest: &Digest) -> String {
    let all: Vec<&str> = WORDS.split(' ').collect();
    let spoken = digest.as_bytes().iter().take(SPOKEN);
    let words: Vec<&str> = spoken.filter_map(|byte| all.get(usize::from(*byte)).copied()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_word_of_its_own() {
        let all: Vec<&str> = WORDS.split(' ').collect();
        assert_eq!(all.len(), 256);
        assert!(all.is_sorted_by(|a, b| a < b), "in order, so each is there once");
        assert!(all.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())));
    }

    #[test]
    fn the_first_half_of_a_digest_is_spoken() {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&[0, 255, 1, 254, 2, 253, 3, 252, 4, 251, 5, 250, 6, 249, 7, 248]);
        let spoken = "aardvark zulu absurd woodlark accrue willow acme wayside adrift watchword adult wallet afflict waffle ahead vulcan";
        assert_eq!(words(&Digest::from_bytes(bytes)), spoken);
    }
}
