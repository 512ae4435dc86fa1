/** What a bundle says to whoever unpacks it. */
export const BUNDLE_README = `An oil-spill event, as Videostream recorded it, with what proves it
===================================================================

oil_spill_frames/    the evidence: the camera's own bytes, never re-encoded. .jpg is the frame that opened the event;
                     .mjpeg is a clip, one JPEG behind the other, which VLC and ffmpeg play
index.json           the event, its clips, its reviews, its camera, and each file with its SHA-256. Times end in _ms:
                     milliseconds since 1970, UTC
detections.ndjson    every frame in which a spill was reported, one a line
clip_frames.ndjson   every frame in the clips: where it begins, its length, its SHA-256, when it was taken
ledger.ndjson        all that happened to the event, one entry a line, chained by hashes up to a signed one
checkpoint.json      the signatures, and the public key
verify.mjs           checks all of this

To check it, with Node.js 18 or newer and without any network:

    node verify.mjs

It says what it checked, and names the first row or byte that is not as it was written. Exit code: 0 all is as it was
written, 1 something is not, 2 it could not be checked.

The public key in this folder comes from whoever gave you the folder. Who wants to be sure gets the key, or its name
(key_id), on another way, such as https://SERVER/api/integrity or a checkpoint that was kept elsewhere at the time, and
says

    node verify.mjs --public-key FILE

If you do not trust verify.mjs itself, it is short enough to be read, or take it from another bundle or from the source.

What is proved: that the evidence and the rows are the ones that the server wrote when it signed the entries shown, if
nobody else had its key then. Entries of the ledger on anything else are withheld: only their place in the chain is
shown. latitude, longitude, peak_confidence and the size of the picture are compared with the detections. An event
without evidence (evidence_state "missing" or "deleted") is proved as to what is known of it.

What is not proved: that the camera saw what it sent, that the server's clock was right, that no entry on this event is
withheld, and in index.json

- made_at and last_sequence, which are of the making of the bundle, and the problem of a file, which is what went wrong
  then;
- the description of the camera, and so latitude and longitude of an event of which no detection says where it was seen;
- clear_before_ms, clear_after_ms and thumbnail_state of events, and closed_at_ms of clips;
- the name of a clip that was still growing, and the role of each of its frames in clip_frames.ndjson;
- what is older than the ledger.

A member that is none of these and is not proved is refused.
`
