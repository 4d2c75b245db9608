package report

// Markdown renders the report for a terminal or a chat.
func (r *Report) Markdown() []byte { return nil }
