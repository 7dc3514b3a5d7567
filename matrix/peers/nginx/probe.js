// The probe application: every path answers OK, and POST with its content; /echo answers with the fields it received,
// /cookie with the cookies, /big with 1 MiB.

const ALLOWED = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'];

function answer(r) {
    if (r.method === 'PATCH') {
        r.headersOut['Allow'] = ALLOWED.join(', ');
        return r.return(405);
    }
    if (!ALLOWED.includes(r.method)) {
        return r.return(501);
    }
    r.return(200, content(r));
}

function content(r) {
    if (r.uri === '/echo') {
        return r.rawHeadersIn.map((field) => `${field[0]}: ${field[1]}\n`).join('');
    }
    if (r.uri === '/cookie') {
        const cookies = r.rawHeadersIn.filter((field) => field[0].toLowerCase() === 'cookie');
        const pairs = cookies.map((field) => field[1]).join(';').split(';').map((pair) => pair.trim());
        return pairs.filter((pair) => pair).map((pair) => `${pair}\n`).join('');
    }
    if (r.uri === '/big' && (r.method === 'GET' || r.method === 'HEAD')) {
        return 'x'.repeat(1024 * 1024);
    }
    if (r.method !== 'POST') {
        return 'OK';
    }
    // An empty buffer cannot be returned.
    return r.requestBuffer && r.requestBuffer.length ? r.requestBuffer : '';
}

export default { answer };
