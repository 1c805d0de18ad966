using System.Collections;
using System.Reflection;
using System.Text;

namespace Gateway.Protocol.Tests.Simulation;

/// <summary>
/// Writes down everything reachable from a device that could be changed by a message, so that two points in time can be compared.
/// Left out: counters of results, what belongs to the test, and libcrypto's contexts.
/// </summary>
internal static class StateDigest
{
    private const BindingFlags Fields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    internal static string Of(WireGuardDevice device)
    {
        var text = new StringBuilder();
        Write(device, text, new HashSet<object>(ReferenceEqualityComparer.Instance), "device");
        return text.ToString();
    }

    private static void Write(object? value, StringBuilder text, HashSet<object> seen, string path)
    {
        switch (value)
        {
            case null:
                return;
            case byte[] bytes:
                text.Append(path).Append('=').AppendLine(Convert.ToHexString(bytes));
                return;
            case ulong[] or uint[] or Array { Length: 0 }:
                text.Append(path).Append('=').AppendLine(string.Join(',', ((Array)value).Cast<object>()));
                return;
        }

        var type = value.GetType();
        if (type.IsPrimitive || type.IsEnum || value is string or PublicKey or Instant or TimeSpan or Tai64n)
        {
            text.Append(path).Append('=').Append(value).AppendLine();
            return;
        }

        if (!type.IsValueType && !seen.Add(value))
            return;
        if (value is IDictionary or Array)
        {
            var number = 0;
            foreach (var item in (IEnumerable)value)
                Write(item is DictionaryEntry entry ? entry.Value : item, text, seen, $"{path}[{number++}]");
            return;
        }

        if (value is AeadKey or Station or ICryptoPrimitives || type.Assembly != typeof(WireGuardDevice).Assembly)
            return;
        for (var level = type; level is not null && level != typeof(object); level = level.BaseType)
        {
            foreach (var field in level.GetFields(Fields).Where(f => f.Name != "_results"))
                Write(field.GetValue(value), text, seen, $"{path}.{field.Name}");
        }
    }
}
