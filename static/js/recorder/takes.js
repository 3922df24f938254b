// Keeps what is being recorded in the browser's own database, second by second, so that a closed
// tab or a crash loses what the last second or two held and nothing more.
import { openDB } from "idb";

const KEPT_FOR = 7 * 24 * 3_600_000;

const opened = openDB("asyncnet-recorder", 1, {
  upgrade(database) {
    database.createObjectStore("takes", { keyPath: "id", autoIncrement: true });
    database.createObjectStore("chunks", { autoIncrement: true }).createIndex("take", "take");
  },
});

// Begins a take of somebody's; returns its id. An earlier one of theirs and of this kind goes.
export async function begin(owner, kind, type) {
  await forget(owner, kind);
  return (await opened).add("takes", { owner, kind, type, begunAt: Date.now() });
}

export async function add(take, chunk) {
  // bytes rather than a Blob, which some browsers keep as a file that a crash may take along
  const bytes = await chunk.arrayBuffer();
  const writing = (await opened).transaction("chunks", "readwrite", { durability: "strict" });
  await Promise.all([writing.store.add({ take, bytes }), writing.done]);
}

// Returns what somebody recorded last and never sent, `{kind, file}`, or nothing.
export async function kept(owner) {
  const database = await opened;
  for (const take of (await database.getAll("takes")).reverse()) {
    if (take.owner !== owner || Date.now() - take.begunAt > KEPT_FOR) continue;
    const chunks = await database.getAllFromIndex("chunks", "take", take.id);
    if (chunks.length === 0) continue;
    return { kind: take.kind, file: whole(chunks.map(({ bytes }) => bytes), take.type) };
  }
  return undefined;
}

// Removes somebody's takes, of one kind or of every one, and everybody's old ones.
export async function forget(owner, kind) {
  const database = await opened;
  for (const take of await database.getAll("takes")) {
    const goes = take.owner === owner && (!kind || take.kind === kind);
    if (!goes && Date.now() - take.begunAt < KEPT_FOR) continue;
    const removing = database.transaction(["takes", "chunks"], "readwrite");
    const keys = await removing.objectStore("chunks").index("take").getAllKeys(take.id);
    for (const key of keys) removing.objectStore("chunks").delete(key);
    removing.objectStore("takes").delete(take.id);
    await removing.done;
  }
}

// Returns one file of pieces. What a browser adds to a type, such as codecs, stays out of it.
export function whole(pieces, type) {
  const plain = type.split(";")[0];
  return new File(pieces, `intro.${plain.split("/")[1]}`, { type: plain });
}
