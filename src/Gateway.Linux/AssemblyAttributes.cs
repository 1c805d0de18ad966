using System.Runtime.CompilerServices;

// All native calls take blittable arguments: no marshalling stubs at run time.
[assembly: DisableRuntimeMarshalling]
