// The QR code of a text, as the address of a picture. Loaded only when somebody asks for one.

import qrcode from "qrcode-generator";

/** The address of an SVG with the code: black on white in every colour scheme, as cameras want it. */
export function qrAddress(content: string): string {
  const code = qrcode(0, "L");
  code.addData(content, "Byte");
  code.make();
  const svg = code.createSvgTag({ cellSize: 4, margin: 16, scalable: true });
  return URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
}
