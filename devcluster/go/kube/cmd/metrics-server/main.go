// Command metrics-server answers the resource metrics API, which `kubectl top` and HorizontalPodAutoscalers read.
package main

import (
	"os"

	"k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/logs"
	"sigs.k8s.io/metrics-server/cmd/metrics-server/app"
)

func main() {
	logs.InitLogs()
	defer logs.FlushLogs()
	if app.NewMetricsServerCommand(server.SetupSignalHandler()).Execute() != nil {
		os.Exit(1)
	}
}
