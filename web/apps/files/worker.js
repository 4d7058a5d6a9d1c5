importScripts("/sdk/streaming_worker.js");
