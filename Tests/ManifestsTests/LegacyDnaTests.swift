import Foundation
import Integrity
import Testing

@testable import Manifests

@Suite("DNA files of 2019")
struct LegacyDnaTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Legacy"

    private static func content(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
    }

    @Test("§11.43 a DNA file of 2019 has the Qm address that an independent program in Python gives it")
    func golden() throws {
        let lines = try String(contentsOfFile: Self.folder + "/addresses.txt", encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 2)
        for line in lines {
            let parts = line.split(separator: "\t").map(String.init)
            #expect(try LegacyDna.address(of: Self.content(parts[0])) == parts[1])
            #expect(parts[1].hasPrefix("Qm") && parts[1].utf8.count == 46)
        }
    }

    @Test("§11.43 one changed byte of what counts changes the address; blanks, order and unknown keys do not")
    func sensitivity() throws {
        let text = String(decoding: try Self.content("blog.dna.json"), as: UTF8.self)
        let address = try LegacyDna.address(of: Array(text.utf8))
        for (from, to) in [
            ("AGFzbQEAAAA=", "AGFzbQEAAAE="), ("0.1.0", "0.1.1"), ("\"b\": \"x\"", "\"b\": \"y\""),
            ("create_post\", \"posts", "posts\", \"create_post"), ("-7", "-8"), ("1.5", "1.25"),
            ("7d4ad2f8", "8d4ad2f8"), ("\"zeta\": 1", "\"zeta\": 1.0"), ("optional", "required"),
        ] {
            let changed = text.replacing(from, with: to)
            #expect(changed != text)
            #expect(try LegacyDna.address(of: Array(changed.utf8)) != address, "\(from)")
        }
        for (from, to) in [("is dropped", "other"), (": {", " :  {\n"), ("throw-errors", "x")] {
            #expect(try LegacyDna.address(of: Array(text.replacing(from, with: to).utf8)) == address, "\(from)")
        }
    }

    @Test("what is no DNA of 2019 is refused with the part that is wrong")
    func faulty() {
        for (json, words) in [
            ("", "no JSON"), ("[]", "no JSON object"), (#"{"name":1}"#, "`name`"), (#"{"zomes":[]}"#, "`zomes`"),
            (#"{"zomes":{"z":{}}}"#, "no code"), (#"{"zomes":{"z":{"code":{"code":""}}}}"#, "no code"),
            (#"{"zomes":{"z":{"code":{"code":"%%%"}}}}"#, "no code"), (#"{"name":"a","name":"b"}"#, "twice"),
            (#"{"zomes":{"z":{"code":{"code":"AA=="},"bridges":[{}]}}}"#, "bridge"),
            (#"{"zomes":{"z":{"code":{"code":"AA=="},"entry_types":{"e":{"sharing":"some"}}}}}"#, "sharing"),
            (String(repeating: "[", count: 100_000), "no JSON"),
        ] {
            let error = #expect(throws: PlasmidError.self) { try LegacyDna.address(of: Array(json.utf8)) }
            #expect(error?.message.contains(words) == true, "\(json.prefix(60)): \(String(describing: error))")
        }
    }

    @Test(
        "numbers are written as Rust writes them",
        arguments: [
            ("1.0", "1.0"), ("1e15", "1000000000000000.0"), ("1e16", "1e16"),
            ("123456789012345680", "123456789012345680"),
            ("1.5e300", "1.5e300"), ("0.00001", "0.00001"), ("0.000001", "1e-6"), ("-2.5e-8", "-2.5e-8"),
            ("1e-5", "0.00001"),
            ("12345.678", "12345.678"), ("-0.0", "-0.0"),
        ])
    func numbers(_ given: String, _ expected: String) throws {
        let compact = try LegacyDna.compact(Array(#"{"properties":{"n":\#(given)}}"#.utf8))
        #expect(String(decoding: compact, as: UTF8.self).contains(#""properties":{"n":\#(expected)}"#))
    }
}
