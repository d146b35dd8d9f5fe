package hosts

import "github.com/vsnctl/vsnctl/vsn"

// Reference is docs/reference.md: every key of both kinds of document.
func Reference() string {
	return "<!-- Written by `vsnctl schema --dir`; change the notes in vsn/schema.go and hosts/schema.go instead. -->\n\n" +
		vsn.Vocabulary.Merge(Vocabulary).Reference()
}
