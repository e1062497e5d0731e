package dataset

import (
	"encoding/json"
	"io"
)

// Info writes dataset_info.json, with which LLaMA-Factory finds a file of [Chat]s and one
// of [Ranking]s beside it. An empty name leaves that data set out. The data sets have the names
// satori_demos and satori_pairs.
func Info(w io.Writer, chats, rankings string) error {
	type entry struct {
		File       string            `json:"file_name"`
		Formatting string            `json:"formatting"`
		Ranking    bool              `json:"ranking,omitempty"`
		Columns    map[string]string `json:"columns"`
		Tags       map[string]string `json:"tags"`
	}
	tags := map[string]string{"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
	sets := map[string]entry{}
	if chats != "" {
		sets["satori_demos"] = entry{chats, "sharegpt", false, map[string]string{"messages": "messages"}, tags}
	}
	if rankings != "" {
		columns := map[string]string{"messages": "conversations", "chosen": "chosen", "rejected": "rejected"}
		sets["satori_pairs"] = entry{rankings, "sharegpt", true, columns, tags}
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(sets)
}
