package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

const provisionerName = "parley.dev/hostpath"

// runProvisioner gives every claim of the default StorageClass a directory below --dir. All nodes of a devcluster share
// the machine's file system, so a volume needs no node affinity: a pod may move and finds its data again.
func runProvisioner() {
	flags := flag.NewFlagSet("hostpath-provisioner", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig file")
	dir := flags.String("dir", "", "directory that holds one directory a volume")
	nodeDir := flags.String("node-dir", "", "where nodes see that directory")
	_ = flags.Parse(os.Args[1:])
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		fail(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		fail(err)
	}
	ctx := klog.NewContext(context.Background(), klog.Background())
	controller.NewProvisionController(
		ctx, client, provisionerName, hostPaths{dir: *dir, nodeDir: *nodeDir}, controller.LeaderElection(false),
	).Run(ctx)
}

type hostPaths struct{ dir, nodeDir string }

func (h hostPaths) Provision(_ context.Context, options controller.ProvisionOptions) (*corev1.PersistentVolume, controller.ProvisioningState, error) {
	path := filepath.Join(h.dir, options.PVName)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	// The kubelet gives hostPath volumes no fsGroup: whatever user a pod runs as must be able to write.
	if err := os.Chmod(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	hostPathType := corev1.HostPathDirectory
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: options.PVName},
		Spec: corev1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   options.PVC.Spec.AccessModes,
			Capacity: corev1.ResourceList{
				corev1.ResourceStorage: options.PVC.Spec.Resources.Requests[corev1.ResourceStorage],
			},
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				HostPath: &corev1.HostPathVolumeSource{Path: filepath.Join(h.nodeDir, options.PVName), Type: &hostPathType},
			},
		},
	}, controller.ProvisioningFinished, nil
}

func (h hostPaths) Delete(_ context.Context, volume *corev1.PersistentVolume) error {
	return os.RemoveAll(filepath.Join(h.dir, volume.Name))
}
