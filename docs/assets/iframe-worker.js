// Searching a page that was opened from a folder: browsers start no worker there, so the search's script runs in a
// hidden frame instead, and messages pass between the two.
"use strict";
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const address = new URL(url, document.baseURI).href;
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const inside = this.frame.contentWindow;
      inside.importScripts = (...names) => names.reduce((done, name) => done.then(() => new Promise(resolve => {
        const script = inside.document.createElement("script");
        script.onload = resolve;
        script.src = new URL(name, address).href;
        inside.document.head.append(script);
      })), Promise.resolve());
      inside.postMessage = data => {
        const event = new MessageEvent("message", { data });
        this.dispatchEvent(event);
        if (this.onmessage) this.onmessage(event);
      };
      this.ready = inside.importScripts(address);
    }
    postMessage(data) {
      this.ready.then(() => {
        const inside = this.frame.contentWindow;
        inside.dispatchEvent(new inside.MessageEvent("message", { data }));
      });
    }
    terminate() { this.frame.remove(); }
  };
}
