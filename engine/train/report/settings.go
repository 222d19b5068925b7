package report

import "context"

// settingsSection lists the run's settings.
var settingsSection = Section{
	Make: func(_ context.Context, s *Subject) (any, error) {
		if s.Settings == nil {
			return nil, nil
		}
		return s.Settings, nil
	},
	HTML: `
<h2>Settings</h2>
<table>{{range .}}
  <tr><td>{{.Name}}</td><td>{{.Value}}</td></tr>{{end}}
</table>
`,
}
