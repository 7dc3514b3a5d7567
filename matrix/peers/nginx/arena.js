// The arena's routes that workloads and most cases ask for; /pipeline needs no script.

const COUNT = 50;
const WORDS = ['Copper', 'Linen', 'Slate', 'Kettle', 'garden', 'travel', 'limited'];

// njs runs what stands outside of functions once per request: items are made where they are asked for.
function item(id, multiplier) {
    const word = (salt) => WORDS[(id * 31 + salt * 17) % WORDS.length];
    const within = (salt, most) => 1 + ((id * 7919 + salt * 104729) % most);
    const price = within(3, 499);
    const quantity = within(4, 99);
    return {
        id: id,
        name: `${word(0)} ${word(1)} ${id}`,
        category: word(2),
        price: price,
        quantity: quantity,
        active: id % 4 !== 0,
        tags: [word(5), word(6)],
        rating: { score: within(7, 50), count: within(8, 500) },
        total: price * quantity * multiplier,
    };
}

const number = (text) => (/^-?[0-9]+$/.test(text) ? Number(text) : 0);

// The sum of the integers in the query and of the one in the content.
function baseline(r) {
    const values = [].concat.apply([], Object.values(r.args));
    const numbers = values.concat((r.requestText || '').trim()).map(number);
    r.return(200, String(numbers.reduce((sum, number) => sum + number, 0)));
}

function json(r) {
    const count = Number(r.uri.slice('/json/'.length));
    if (!Number.isInteger(count) || count < 1 || count > COUNT) {
        return r.return(404);
    }
    const multiplier = r.args.m === undefined ? 1 : number(r.args.m);
    const items = [];
    for (let id = 1; id <= count; id++) {
        items.push(item(id, multiplier));
    }
    r.return(200, JSON.stringify({ items: items, count: count }));
}

export default { baseline, json };
