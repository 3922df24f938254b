// Reads one mail on standard input with a parser that is not ours, and prints what it found.
import PostalMime from "postal-mime";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const mail = await PostalMime.parse(Buffer.concat(chunks));
const headers = Object.fromEntries(mail.headers.map(({ key, value }) => [key, value]));
process.stdout.write(JSON.stringify({ ...mail, headers }));
