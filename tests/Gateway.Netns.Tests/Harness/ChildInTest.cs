using Xunit;

namespace Gateway.Netns.Tests.Harness;

/// <summary>What the test framework has to do with a process.</summary>
internal sealed partial class Child
{
    static partial void ShowWithFailedTest(string text) => TestContext.Current.TestOutputHelper?.WriteLine(text);
}
