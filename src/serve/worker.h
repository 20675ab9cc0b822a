// The process that runs jobs: it holds the engine, and talks to the server in lines of JSON.
#pragma once

namespace t3::serve {

// Serves the messages on stdin until it is closed; returns the exit code. The protocol:
//
//   {"do": "open", ...} (open_message.h), the first
//   {"do": "run", "id", "prompt", "options": {OPTION: TEXT}, "seconds", "seed", "loras": [{"path",
//    "scale"}], "image", "video", "output", "preview", "thumbnail", "record"}
//   {"do": "cancel", "id"}
//   {"do": "plan", "number", "options", "seconds", "video": bool}
//
// and on stdout, where a job's messages have its "id":
//
//   {"event": "ready", "device", "image_to_video", "defaults": {...}}
//   {"event": "planned", "width", "height", "frames", "fps", "steps", "notes"}
//   {"event": "progress", "stage", "done", "total", "unit", "seconds", "stage_seconds_left",
//    "progress", "seconds_left", "memory_bytes", "step"}
//   {"event": "preview", "step"}
//   {"event": "completed", "stages", "notes", "bytes"}
//   {"event": "failed", "code", "message", "again": bool}
//   {"event": "stopped"}
//   {"event": "plan", "number", "plan": {...}} or {..., "message": TEXT}
int RunWorker();

}  // namespace t3::serve
