// Asked of an open page, whose own scripts are off: what is laid out, what is not, and how faint its faintest text is.
(() => {
    const shown = (element) => {
        const { width, height } = element.getBoundingClientRect();
        return width > 0 && height > 0;
    };
    // A line may be level or upright.
    const drawn = (mark) => {
        const { width, height } = mark.getBoundingClientRect();
        return width > 0 || height > 0;
    };
    const called = (element) => `${element.tagName}.${element.getAttribute("class")}: ${element.textContent.slice(0, 40)}`;
    const drawings = [...document.querySelectorAll("svg[role=img]")];
    const marks = [...document.querySelectorAll("circle, polyline, svg text")];
    const scrolled = (element) => element.closest(".scroll");
    const outside = [...document.querySelectorAll("body *")].filter((element) => {
        const { left, right } = element.getBoundingClientRect();
        return !scrolled(element) && (left < -0.5 || right > innerWidth + 0.5);
    });
    const colour = (text) => text.match(/[\d.]+/g).map(Number);
    const light = ([red, green, blue]) => {
        const linear = [red, green, blue].map((part) => {
            const share = part / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const paper = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const background = colour(getComputedStyle(at).backgroundColor);
            if (background.length < 4 || background[3] > 0) return background;
        }
        return [255, 255, 255];
    };
    const contrast = (element) => {
        const style = getComputedStyle(element);
        const ink = light(colour(element.closest("svg") ? style.fill : style.color));
        const ground = light(paper(element));
        return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
    };
    const said = [...document.querySelectorAll("body *")].filter((element) =>
        !["TITLE", "DESC", "title", "desc"].includes(element.tagName) && shown(element)
        && [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim()));
    const faintest = said.reduce((least, element) => contrast(element) < contrast(least) ? element : least, said[0]);
    const nameless = [...drawings.filter((drawing) => !drawing.querySelector(":scope > title")?.textContent),
        ...[...document.querySelectorAll("table")].filter((table) => !table.caption || !table.querySelector("th[scope=col]"))];
    return {
        drawings: drawings.length,
        flat: [...drawings.filter((drawing) => !shown(drawing)), ...marks.filter((mark) => !drawn(mark))].map(called),
        outside: outside.map(called),
        nameless: nameless.map(called),
        letters: document.body.innerText.length,
        contrast: faintest ? contrast(faintest) : 0,
        faintest: faintest ? called(faintest) : "nothing",
    };
})()
