// One item as it is shown: a text, a picture, or two side by side.

import type { Image, Item, Side as Content } from "tacit-engine";
import { laterText } from "../text/en-later.ts";
import type { ImageLoader } from "./image-loader.ts";
import { contents } from "./item-content.ts";

function Picture({ image, loader }: { image: Image; loader: ImageLoader }) {
  const t = laterText.answer;
  const state = loader.state(image);
  if (state.state === "ready") {
    return <img class="picture" decoding="async" src={state.address} alt={image.alt ?? t.noAlt} onError={() => loader.refuse(image)} />;
  }
  if (state.state === "loading") {
    return (
      <p class="picture placeholder" role="status">
        {t.loadingImage}
      </p>
    );
  }
  return (
    <div class="picture placeholder" role="alert">
      <p>{t.failedImages[state.why]}</p>
      {(state.why === "network" || state.why === "other-picture") && (
        <button type="button" class="plain" onClick={() => loader.retry(image)}>
          {t.again}
        </button>
      )}
    </div>
  );
}

function Side({ content, loader }: { content: Content; loader: ImageLoader }) {
  return (
    <>
      {content.image !== undefined && <Picture image={content.image} loader={loader} />}
      {content.text !== undefined && <p class="item-text">{content.text}</p>}
    </>
  );
}

export function ItemView({ item, loader }: { item: Item; loader: ImageLoader }) {
  const t = laterText.answer;
  if (contents(item).length === 0) {
    return (
      <>
        <p class="muted">{t.idOnly}</p>
        <p class="item-text">{item.id}</p>
      </>
    );
  }
  const isPair = item.left !== undefined || item.right !== undefined;
  return (
    <>
      <Side content={item} loader={loader} />
      {isPair && (
        <div class="pair">
          <section aria-label={t.left}>
            <h2>{t.left}</h2>
            <Side content={item.left ?? {}} loader={loader} />
          </section>
          <section aria-label={t.right}>
            <h2>{t.right}</h2>
            <Side content={item.right ?? {}} loader={loader} />
          </section>
        </div>
      )}
    </>
  );
}
