using System.Runtime.CompilerServices;
using System.Runtime.Versioning;

// All native calls take blittable arguments: no marshalling stubs at run time.
[assembly: DisableRuntimeMarshalling]
[assembly: SupportedOSPlatform("linux")]
