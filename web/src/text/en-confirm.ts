// The English texts of the question before a link is followed. Most links need none, so they are loaded with it.

export const confirmText = {
  title: "Check where this link leads",
  foreign:
    "This link brings its own operators. Neither the site that serves this page nor you have named them before: whoever made the link may have made up the names below, and run all of these nodes.",
  hostChanged: "The site that serves this page offers other operators than before. If you do not know why, do not go on.",
  otherAddress: (given: string, named: string) =>
    `The link sends your requests to ${given}. The address that is known for this cluster is ${named}. Whoever runs the other address learns what you send, and can pass it on in your name.`,
  compare: "Compare these words with an operator whom you know, in a way that does not come from the link: by telephone, or on the operator’s own site. Or open the file cluster.toml that the operators have published.",
  compared: "I have compared the words with an operator whom I trust.",
  addressRight: "I know the address in the link, and trust whoever runs it.",
  goOn: "Go on with this link",
  otherwise: "If you cannot tell, close this page and ask whoever you trust among the operators for a link.",
};
