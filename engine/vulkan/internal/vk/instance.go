package vk

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"alexnet/internal/dynlib"
)

// library is a loaded Vulkan loader.
type library struct {
	path            string
	getInstanceProc uintptr
}

// Instance is a VkInstance.
type Instance struct {
	lib       library
	handle    instanceHandle
	messenger messenger
	version   uint32

	destroyInstance, enumeratePhysical, properties2, features2, memory2, queueFamilies,
	deviceExtensions, createDevice, getDeviceProc, createMessenger, destroyMessenger uintptr
}

// ErrNoVulkan says that the machine has no Vulkan loader, or one that is too old.
var ErrNoVulkan = errors.New("no Vulkan")

const (
	validationLayer = "VK_LAYER_KHRONOS_validation"
	debugExtension  = "VK_EXT_debug_utils"
	portability     = "VK_KHR_portability_enumeration"
)

// ErrNoLayer says that the validation layer isn't installed.
var ErrNoLayer = errors.New(validationLayer + " is missing: install vulkan-validationlayers")

// Open makes an instance. With validate, Khronos' validation layer checks every call;
// Messages returns its messages. Surroundings in which the loader would run code that the
// user hasn't installed are refused.
func Open(validate bool) (*Instance, error) {
	if err := checkEnvironment(); err != nil {
		return nil, err
	}
	lib, err := load()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoVulkan, err)
	}
	i := &Instance{lib: lib, version: api12}
	if f := i.proc("vkEnumerateInstanceVersion"); f != 0 {
		if err := check("vkEnumerateInstanceVersion", call(f, uintptr(unsafe.Pointer(&i.version)))); err != nil {
			return nil, err
		}
	} else {
		i.version = 1 << 22
	}
	if i.version < api12 {
		return nil, fmt.Errorf("%w: %s is version %s, want 1.2", ErrNoVulkan, lib.path, version(i.version))
	}
	var layers, extensions []string
	if validate {
		if !i.has(validationLayer) {
			return nil, ErrNoLayer
		}
		layers, extensions = append(layers, validationLayer), append(extensions, debugExtension)
	}
	info := instanceCreateInfo{Type: typeInstanceCreateInfo, PApplicationInfo: &applicationInfo{
		Type: typeApplicationInfo, PApplicationName: cstring("alexnet"), PEngineName: cstring("alexnet"), ApiVersion: api12,
	}}
	if i.extends(portability) { // MoltenVK is listed only with this extension
		extensions = append(extensions, portability)
		info.Flags = portabilityEnumeration
	}
	info.EnabledLayerCount, info.PpEnabledLayerNames = cstrings(layers)
	info.EnabledExtensionCount, info.PpEnabledExtensionNames = cstrings(extensions)
	create := i.proc("vkCreateInstance")
	if err := check("vkCreateInstance", call(create, uintptr(unsafe.Pointer(&info)), 0, uintptr(unsafe.Pointer(&i.handle)))); err != nil {
		return nil, err
	}
	for name, f := range map[string]*uintptr{
		"vkDestroyInstance":                        &i.destroyInstance,
		"vkEnumeratePhysicalDevices":               &i.enumeratePhysical,
		"vkGetPhysicalDeviceProperties2":           &i.properties2,
		"vkGetPhysicalDeviceFeatures2":             &i.features2,
		"vkGetPhysicalDeviceMemoryProperties2":     &i.memory2,
		"vkGetPhysicalDeviceQueueFamilyProperties": &i.queueFamilies,
		"vkEnumerateDeviceExtensionProperties":     &i.deviceExtensions,
		"vkCreateDevice":                           &i.createDevice,
		"vkGetDeviceProcAddr":                      &i.getDeviceProc,
	} {
		if *f = i.proc(name); *f == 0 {
			return nil, fmt.Errorf("%w: %s has no %s", ErrNoVulkan, lib.path, name)
		}
	}
	if validate {
		return i, i.listenToValidation()
	}
	return i, nil
}

// Path returns the path of Vulkan's loader.
func (i *Instance) Path() string { return i.lib.path }

// proc returns the address of a function, 0 if there is none.
func (i *Instance) proc(name string) uintptr {
	return call(i.lib.getInstanceProc, uintptr(i.handle), uintptr(unsafe.Pointer(cstring(name))))
}

// has reports whether a layer is installed.
func (i *Instance) has(layer string) bool {
	f := i.proc("vkEnumerateInstanceLayerProperties")
	var n uint32
	if call(f, uintptr(unsafe.Pointer(&n)), 0) != 0 || n == 0 {
		return false
	}
	all := make([]layerProperties, n)
	call(f, uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&all[0])))
	for _, l := range all {
		if text(l.LayerName[:]) == layer {
			return true
		}
	}
	return false
}

// extends reports whether the loader has an extension.
func (i *Instance) extends(extension string) bool {
	f := i.proc("vkEnumerateInstanceExtensionProperties")
	var n uint32
	if call(f, 0, uintptr(unsafe.Pointer(&n)), 0) != 0 || n == 0 {
		return false
	}
	all := make([]extensionProperties, n)
	call(f, 0, uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&all[0])))
	for _, e := range all {
		if text(e.ExtensionName[:]) == extension {
			return true
		}
	}
	return false
}

// Close destroys the instance. Its devices must be closed.
func (i *Instance) Close() {
	if i.messenger != 0 {
		call(i.destroyMessenger, uintptr(i.handle), uintptr(i.messenger), 0)
	}
	call(i.destroyInstance, uintptr(i.handle), 0)
}

// validation are the validation layer's messages to the process.
var validation struct {
	sync.Mutex
	texts    []string
	callback uintptr
}

// listenToValidation collects the validation layer's warnings and errors.
func (i *Instance) listenToValidation() error {
	validation.Lock()
	if validation.callback == 0 {
		validation.callback = callback(onMessage)
	}
	info := debugCreateInfo{
		Type: typeDebugMessengerCreateInfo, MessageSeverity: severityWarning | severityError,
		MessageType: messageGeneral | messageValid | messagePerform, PfnUserCallback: validation.callback,
	}
	validation.Unlock()
	i.createMessenger, i.destroyMessenger = i.proc("vkCreateDebugUtilsMessengerEXT"), i.proc("vkDestroyDebugUtilsMessengerEXT")
	return check("vkCreateDebugUtilsMessengerEXT",
		call(i.createMessenger, uintptr(i.handle), uintptr(unsafe.Pointer(&info)), 0, uintptr(unsafe.Pointer(&i.messenger))))
}

// onMessage is called by the validation layer.
func onMessage(severity, types, data, user uintptr) uintptr {
	d := (*debugCallbackData)(*(*unsafe.Pointer)(unsafe.Pointer(&data)))
	validation.Lock()
	defer validation.Unlock()
	validation.texts = append(validation.texts, dynlib.String(d.PMessage))
	return 0
}

// Messages returns the validation layer's messages since the last call.
func Messages() []string {
	validation.Lock()
	defer validation.Unlock()
	texts := validation.texts
	validation.texts = nil
	return texts
}

// cstring returns s followed by a NUL.
func cstring(s string) *byte { return &append([]byte(s), 0)[0] }

// cstrings returns a C array of strings; nil for none.
func cstrings(all []string) (uint32, **byte) {
	if len(all) == 0 {
		return 0, nil
	}
	var p []*byte
	for _, s := range all {
		p = append(p, cstring(s))
	}
	return uint32(len(all)), &p[0]
}

// text returns a C string in an array.
func text(b []byte) string {
	if n := bytes.IndexByte(b, 0); n >= 0 {
		b = b[:n]
	}
	return string(b)
}

func version(v uint32) string {
	return fmt.Sprintf("%d.%d.%d", v>>22&0x7f, v>>12&0x3ff, v&0xfff)
}
