package hosts

// Level tells how bad a Finding is.
type Level string

const (
	LevelOK   Level = "ok"
	LevelWarn Level = "warn" // it works, but bounds get worse or rest on less
	LevelFail Level = "fail" // a deployment cannot work, or its promises cannot
)

// Finding is one line of what a doctor sees in a machine.
type Finding struct {
	Name   string `json:"name"` // what was looked at
	Level  Level  `json:"level"`
	Found  string `json:"found"`
	Advice string `json:"advice,omitempty"` // what to do, when not ok
}
